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

{#-
    Keep what indicators after `to` go on from, before the bars of [from, to) are deleted:
    `dbt run-operation save_indicator_checkpoints --args '{model: indicators_1m, from: 2025-01-01, to: 2025-02-01, symbols: [BTCUSDT]}'`.

    Per symbol: the last rows before `to`, as many as the longest window has, in one transaction; checkpoints inside the span go, for
    nothing can start there any more. Where a symbol has no row since its last checkpoint, that one stays. Refused while bars before
    `to` have yet to be computed, also those of loads that still queue: the state would be one that the next run changes.
-#}
{% macro save_indicator_checkpoints(model, from, to, symbols) %}
    {%- set table = api.Relation.create(schema=target.schema, identifier=model, type='table') -%}
    {%- set of_model = indicator_progress() ~ " where model = '" ~ model ~ "' and symbol in (" ~ quoted(symbols) ~ ')' -%}
    {%- do commit() -%}
    {%- do set_session() -%}
    {%- do take_writer_lock(table) -%}
    {%- set waiting = run_query('select count(*) from ' ~ of_model ~ ' and least(coalesce(pending_from, claimed_from), coalesce(claimed_from, pending_from)) < '
        ~ literal(to)).rows[0][0] | int -%}
    {%- set waiting = waiting or (run_query('select count(distinct facts.exchange, facts.symbol) from ' ~ raw_schema() ~ '.pending_loads as queued'
        ~ ' straight_join ' ~ api.Relation.create(schema=target.schema, identifier='fact_klines') ~ ' as facts force index (by_load) on facts.load_id = queued.load_id'
        ~ " where queued.model = '" ~ model ~ "' and facts.interval_code = '1m' and facts.is_final = 1 and facts.symbol in (" ~ quoted(symbols)
        ~ ') and facts.open_time < ' ~ literal(to)).rows[0][0] | int) -%}
    {%- set others = run_query('select count(*) from ' ~ of_model ~ " and last_open_time is not null and periods <> '" ~ periods_checksum() ~ "'").rows[0][0] | int -%}
    {%- if waiting or others -%}
        {%- do release_writer_lock(table) -%}
        {{ exceptions.raise_compiler_error('expected rows of ' ~ model ~ ' before ' ~ to ~ ' that are up to date, but ' ~ (waiting ~ ' of the symbols wait for'
            if waiting else others ~ ' of the symbols have other periods than the vars: they need a full refresh, not') ~ ' their computation;'
            ~ ' nothing was saved, and the bars may not be deleted: run dbt run --select ' ~ model ~ " first, after a backfill with --vars '{lane: backfill}'") }}
    {%- endif -%}
    {%- for row in run_query('select exchange, symbol from ' ~ of_model ~ ' order by exchange, symbol').rows -%}
        {%- do save_checkpoint(table, {'exchange': row[0] | string, 'symbol': row[1] | string}, from, to) -%}
    {%- endfor -%}
    {%- do commit() -%}
    {%- do release_writer_lock(table) -%}
    {%- do log('checkpoints of ' ~ model ~ ' saved at ' ~ to, info=True) -%}
{% endmacro %}

{% macro save_checkpoint(table, series, from, to) %}
    {%- set own = "model = '" ~ table.identifier ~ "' and " ~ is_series(series) -%}
    {%- set edge = run_query("select concat('t', max(edge_time)) from " ~ checkpoints() ~ ' where ' ~ own ~ " and periods = '" ~ periods_checksum()
        ~ "' and edge_time < " ~ literal(to)).rows[0][0] -%}
    {%- set since = literal(edge[1:] if edge else '1000-01-01') -%}
    {%- set span = is_series(series) ~ ' and open_time >= ' ~ since ~ ' and open_time < ' ~ literal(to) -%}
    {%- if count_of('(select 1 from ' ~ table ~ ' where ' ~ span ~ ' limit 1) as q') -%}
        {%- set kept = (['bar_number', 'close_price'] + indicator_states().values() | list + day_states()) | join(', ') -%}
        {%- set there = (['bar_number', 'close_price'] + indicator_states().keys() | list + day_states()) | join(', ') -%}
        {%- do run_query('delete from ' ~ checkpoints() ~ ' where ' ~ own ~ ' and edge_time = ' ~ literal(to)) -%}
        {%- do run_query('insert into ' ~ checkpoints() ~ ' (model, exchange, symbol, edge_time, open_time, ' ~ kept ~ ', periods, saved_at)'
            ~ " select '" ~ table.identifier ~ "', " ~ literal(series['exchange']) ~ ', ' ~ literal(series['symbol']) ~ ', ' ~ literal(to)
            ~ ', open_time, ' ~ kept ~ ", '" ~ periods_checksum() ~ "', utc_timestamp(3) from ("
            ~ '(select open_time, ' ~ kept ~ ' from ' ~ checkpoints() ~ ' where ' ~ own ~ ' and edge_time = ' ~ since ~ ')'
            ~ ' union all (select open_time, ' ~ there ~ ' from ' ~ table ~ ' where ' ~ span ~ ' order by open_time desc limit ' ~ (look_back() + 1) ~ ')'
            ~ ') as rows_before order by open_time desc limit ' ~ (look_back() + 1)) -%}
        {%- do run_query('delete from ' ~ checkpoints() ~ ' where ' ~ own ~ ' and edge_time >= ' ~ literal(from) ~ ' and edge_time < ' ~ literal(to)) -%}
    {%- endif -%}
{% endmacro %}

{% macro quoted(values) -%}
    {%- for value in values %}{{ literal(value) }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{#- Said at full builds: checkpoints of other periods cannot be gone on from. -#}
{% macro say_unusable_checkpoints() %}
    {%- set others = run_query('select count(distinct exchange, symbol, edge_time) from ' ~ checkpoints() ~ " where model = '" ~ this.identifier
        ~ "' and periods <> '" ~ periods_checksum() ~ "'").rows[0][0] | int -%}
    {%- if others -%}
        {%- do log(this.identifier ~ ': ' ~ others ~ ' checkpoints were saved with other periods and are not used; indicators begin anew after them', info=True) -%}
    {%- endif -%}
{% endmacro %}
