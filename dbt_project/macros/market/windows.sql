{#-
    Windows of the market marts end with the newest final bucket of the exchange, over all of its symbols, so that the rows of different
    symbols line up; a symbol that stands still has fewer of them. Bounds and symbols go into the statement as literals: taken from a
    joined row, a range reads all of a symbol's history.
-#}

{#- The model that holds buckets of this many minutes. -#}
{% macro buckets_of(step_minutes) %}
    {%- set models = {5: 'klines_5m', 15: 'klines_15m', 60: 'hourly_klines', 240: 'klines_4h', 1440: 'daily_klines'} -%}
    {%- if step_minutes not in models -%}
        {{ exceptions.raise_compiler_error('return_windows: expected a step of ' ~ models.keys() | join(', ') ~ ' minutes, but one is '
            ~ step_minutes ~ '; there are no buckets of that length') }}
    {%- endif -%}
    {{ return(ref(models[step_minutes])) }}
{% endmacro %}

{#- The name of the column that holds the start of such a bucket. -#}
{% macro bucket_time(step_minutes) %}{{ return({60: 'hour_start', 1440: 'date'}.get(step_minutes, 'open_time')) }}{% endmacro %}

{#- Whether the bucket lies in the window: a range per symbol that has final buckets there. -#}
{% macro in_return_window(row, window) -%}
    {%- set time = bucket_time(window.step_minutes) -%}
    {{ in_spans(row, time, exchange_spans(buckets_of(window.step_minutes), time, 'is_final = 1', window.hours)) }}
{%- endmacro %}

{#-
    Exchange, symbol and start of its newest bucket for which the condition holds; an index look-up each: ordered by the whole key, else
    MySQL sorts the symbol's history.
-#}
{% macro newest_buckets(buckets, time, condition) %}
    select
        series.exchange,
        series.symbol,
        (
            select cast(buckets.{{ time }} as datetime(3))
            from {{ buckets }} as buckets force index (primary)
            where buckets.exchange = series.exchange and buckets.symbol = series.symbol and buckets.{{ condition }}
            order by buckets.exchange desc, buckets.symbol desc, buckets.{{ time }} desc
            limit 1
        ) as newest
    from {{ source('raw', 'tracked_symbols') }} as series
{% endmacro %}

{#-
    For each exchange: its newest bucket, where the window starts (exclusive) and the symbols that have buckets in it. None while the buckets
    are not built: models are compiled for the docs of an empty warehouse as well.
-#}
{% macro exchange_spans(buckets, time, condition, hours) %}
    {%- set spans, length = {}, 'interval ' ~ hours ~ ' hour' -%}
    {%- if execute and load_cached_relation(buckets) is not none -%}
        {%- set found = run_query('select exchange, symbol, newest_of_all - ' ~ length ~ ' as after_time, newest_of_all as until_time from ('
            ~ 'select exchange, symbol, newest, max(newest) over (partition by exchange) as newest_of_all from ('
            ~ newest_buckets(buckets, time, condition) ~ ') as newest_each) as lined_up where newest > newest_of_all - ' ~ length
            ~ ' order by exchange, symbol').rows -%}
        {%- for exchange, symbol, after_time, until_time in found -%}
            {%- do spans.setdefault(exchange, {'symbols': [], 'after_time': after_time, 'until_time': until_time})['symbols'].append(
                text_literal(symbol)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(spans) }}
{% endmacro %}

{% macro in_spans(row, time, spans) -%}
    (
        {%- for exchange, span in spans.items() %}
        (
            {{ row }}.exchange = {{ text_literal(exchange) }}
            and {{ row }}.symbol in ({{ span.symbols | join(', ') }})
            and {{ row }}.{{ time }} > timestamp '{{ span.after_time }}'
            and {{ row }}.{{ time }} <= timestamp '{{ span.until_time }}'
        )
        {{ 'or' if not loop.last }}
        {%- else %} false {% endfor -%}
    )
{%- endmacro %}

{% macro text_literal(text) %}{{ return(dbt.string_literal(dbt.escape_single_quotes(text))) }}{% endmacro %}
