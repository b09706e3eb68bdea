{#- Replace a view in place (atomic); a table of that name is swapped for the view in one rename. -#}
{% macro keyed_view(sql) %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- do commit() -%}
    {%- do set_session() -%}
    {%- do sweep(target) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {%- do get_assert_columns_equivalent(sql) -%}
    {%- if existing is not none and existing.is_table -%}
        {%- call statement('main') -%} create view {{ beside(target, 'next') }} as {{ sql }} {%- endcall -%}
        {%- do swap_in(target, existing) -%}
    {%- else -%}
        {%- call statement('main') -%} create or replace view {{ target }} as {{ sql }} {%- endcall -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {%- do commit() -%}
    {{ return({'relations': [target]}) }}
{% endmacro %}
