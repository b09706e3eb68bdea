{#-
    The work ledger `indicator_progress` beside the marts, a row per model and symbol:

    last_open_time  the newest bar that has a row
    pending_from    bars from here on are new or changed: whoever changes bars says so, in the transaction that changes them
    claimed_from    bars from here on have yet to be computed: claimed by a run, and moved in the transaction that writes the rows
    periods         checksum of the periods the rows were made with

    Killed anywhere, what was claimed stays claimed, and the next run goes on from there.
-#}
{% macro indicator_progress() %}
    {{ return(api.Relation.create(schema=target.schema, identifier='indicator_progress', type='table')) }}
{% endmacro %}

{% macro ensure_progress() %}
    {%- if load_cached_relation(indicator_progress()) is none -%}
        {%- do run_query('create table if not exists ' ~ indicator_progress() ~ ' (model varchar(64) not null, exchange varchar(32) not null,'
            ~ ' symbol varchar(50) not null, last_open_time datetime(3) null, pending_from datetime(3) null, claimed_from datetime(3) null,'
            ~ ' periods char(32) null, primary key (model, exchange, symbol)) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci') -%}
    {%- endif -%}
{% endmacro %}

{#- A statement that says: bars of `model` changed, from these times on. `rows` selects exchange, symbol and the time. -#}
{% macro mark_pending(of_model, rows) %}
    insert into {{ indicator_progress() }} (model, exchange, symbol, pending_from)
    {{ rows }}
    on duplicate key update pending_from = least(coalesce(indicator_progress.pending_from, values(pending_from)), values(pending_from))
{% endmacro %}

{#-
    Hooks of a model whose rows are the bars of another one (hourly_klines of indicators_1h): in the transaction that changes bars, the first
    final one that is new, differs, or is final no longer, and is replaced. A rebuild says so after its swap, and of everything. The table of progress is
    made by a hook outside of the transaction: `ensure_progress`.
-#}
{% macro mark_changed_bars(of_model) %}
    {%- if execute and writes_in_place() -%}
    {%- set time = keyed_primary_key() | last -%}
    {%- set changed -%}
        select '{{ of_model }}', new.exchange, new.symbol, min(new.{{ time }})
        from {{ batch_relation() }} as new
        left join {{ this }} as old force index (primary)
            on old.exchange = new.exchange and old.symbol = new.symbol and old.{{ time }} = new.{{ time }}
        where (new.is_final = 1 or old.is_final = 1)
            and (old.symbol is null or ({{ differs('new', 'old', candle_values() + ['is_final']) }} and {{ is_no_less() }}))
        group by new.exchange, new.symbol
    {%- endset -%}
    {{ mark_pending(of_model, changed) }}
    {%- endif -%}
{% endmacro %}

{% macro mark_all_bars(of_model) %}
    {%- if execute and not writes_in_place() -%}
    {%- set time = keyed_primary_key() | last -%}
    {{ mark_pending(of_model, "select '" ~ of_model ~ "', exchange, symbol, min(" ~ time ~ ') from ' ~ this ~ ' where is_final = 1 group by exchange, symbol') }}
    {%- endif -%}
{% endmacro %}

{#- The final bars the pinned loads own, by symbol; with the loads off the queue, in one transaction. -#}
{% macro mark_loads() %}
    {%- do run_query(mark_pending(this.identifier,
        "select '" ~ this.identifier ~ "', facts.exchange, facts.symbol, min(facts." ~ bars_of('time') ~ ') from ' ~ pinned_loads()
        ~ ' as pins straight_join ' ~ ref(bars_of('model')) ~ ' as facts force index (by_load) on facts.load_id = pins.load_id where '
        ~ bars_of('filter') ~ ' group by facts.exchange, facts.symbol')) -%}
{% endmacro %}

{#- All bars there are are claimed: before a first build and a full refresh. -#}
{% macro claim_everything(as_model) %}
    {%- do run_query('delete from ' ~ indicator_progress() ~ " where model = '" ~ as_model ~ "'") -%}
    {%- do run_query('insert into ' ~ indicator_progress() ~ " (model, exchange, symbol, claimed_from) select '" ~ as_model
        ~ "', exchange, symbol, min(" ~ bars_of('time') ~ ') from ' ~ ref(bars_of('model')) ~ ' where ' ~ bars_of('filter')
        ~ ' group by exchange, symbol on duplicate key update last_open_time = null, claimed_from = values(claimed_from)') -%}
{% endmacro %}

{% macro claim_pending() %}
    {%- do run_query('update ' ~ indicator_progress() ~ ' set claimed_from = least(coalesce(claimed_from, pending_from), pending_from),'
        ~ " pending_from = null where model = '" ~ this.identifier ~ "' and pending_from is not null") -%}
{% endmacro %}

{#- Symbols with work, as [{exchange, symbol, last, claimed}]; times are SQL text, null is none. -#}
{% macro claimed_work(as_model) %}
    {%- set work = [] -%}
    {%- for row in run_query("select exchange, symbol, concat('t', last_open_time), concat('t', claimed_from) from " ~ indicator_progress()
        ~ " where model = '" ~ as_model ~ "' and claimed_from is not null order by exchange, symbol").rows -%}
        {%- do work.append({'exchange': row[0] | string, 'symbol': row[1] | string, 'last': row[2][1:] if row[2] else none, 'claimed': row[3][1:]}) -%}
    {%- endfor -%}
    {{ return(work) }}
{% endmacro %}

{#- After a round: how far each symbol's rows reach, and what is still claimed. In the key's order, as everybody who locks several rows. -#}
{% macro move_progress(as_model, segments) %}
    insert into {{ indicator_progress() }} (model, exchange, symbol, last_open_time, claimed_from, periods) values
    {%- for segment in segments | sort(attribute='exchange,symbol') %}
    ('{{ as_model }}', {{ literal(segment['exchange']) }}, {{ literal(segment['symbol']) }}, {{ literal(segment['last']) if segment['last'] else 'null' }},
        {{ segment['claimed_next'] }}, '{{ periods_checksum() }}'){{ ',' if not loop.last }}
    {%- endfor %}
    on duplicate key update last_open_time = values(last_open_time), claimed_from = values(claimed_from), periods = values(periods)
{% endmacro %}

{#- State made with other periods may not be continued. -#}
{% macro refuse_changed_periods() %}
    {%- set others = run_query('select count(*) from ' ~ indicator_progress() ~ " where model = '" ~ this.identifier
        ~ "' and last_open_time is not null and periods <> '" ~ periods_checksum() ~ "'").rows[0][0] -%}
    {%- if others | int -%}
        {{ exceptions.raise_compiler_error('expected the periods ' ~ this.identifier ~ ' was built with, but the vars say others; nothing was changed,'
            ~ ' run dbt run --full-refresh --select ' ~ this.identifier) }}
    {%- endif -%}
{% endmacro %}
