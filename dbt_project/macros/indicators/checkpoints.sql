{#- The edges of usable checkpoints, as {(exchange, symbol): [times, ascending]}. -#}
{% macro checkpoint_edges() %}
    {%- set edges = {} -%}
    {%- for row in run_query("select distinct exchange, symbol, concat('t', edge_time) as edge from " ~ checkpoints()
        ~ " where model = '" ~ this.identifier ~ "' and periods = '" ~ periods_checksum() ~ "' order by exchange, symbol, edge").rows -%}
        {%- do edges.setdefault((row[0] | string, row[1] | string), []).append(row[2][1:]) -%}
    {%- endfor -%}
    {{ return(edges) }}
{% endmacro %}

{% macro checkpoints() %}{{ return(raw_schema() ~ '.indicator_checkpoints') }}{% endmacro %}

{% macro is_checkpoint(segment) -%}
    model = '{{ this.identifier }}' and {{ is_series(segment) }} and edge_time = {{ literal(segment['edge']) }}
{%- endmacro %}

{#- The state at a segment's edge, unless a row after the edge is newer. -#}
{% macro state_at_edge(segment) %}
    insert ignore into {{ segment_states() }}
    select {{ segment['number'] }}, exchange, symbol, open_time, bar_number, close_price, {{ (indicator_states().values() | list + day_states()) | join(', ') }}
    from {{ checkpoints() }} where {{ is_checkpoint(segment) }} order by open_time desc limit 1
{% endmacro %}

{#- Closes before the edge, for windows; of a bar that is gone nothing else is known, and nothing else is asked. -#}
{% macro bars_before_edge(segment) -%}
    select {{ segment['number'] }}, {{ segment['number_before'] }}, open_time, close_price, close_price, close_price, 0, 0, 0
    from {{ checkpoints() }} where {{ is_checkpoint(segment) }}
{%- endmacro %}
