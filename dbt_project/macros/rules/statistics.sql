{#-
    The series of native intervals (5m, 1h, ...) to count again: those that were loaded since the statistics were built, with three hours
    to spare; all of them on a first build. Counting one costs its rows.
-#}
{% macro native_series() -%}
    {%- if is_incremental() -%}
    select distinct
        files.exchange,
        files.symbol,
        files.interval_code
    from {{ source('raw', 'loads') }} as loads
    {{ straight_join() }} {{ source('raw', 'processed_files') }} as files {{ force_index('by_load') }} on loads.load_id = files.load_id
    where
        files.data_type = 'klines'
        and files.interval_code <> '1m'
        and loads.loaded_at >= (select coalesce(max(built.updated_at) - interval 3 hour, '1970-01-01') from {{ this }} as built)
    {%- else -%}
    select
        symbols.exchange,
        symbols.symbol,
        intervals.interval_code
    from {{ source('raw', 'tracked_symbols') }} as symbols
    cross join (
        {%- for code in ['5m', '15m', '1h', '4h', '1d'] %}
        select '{{ code }}' as interval_code
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as intervals
    {%- endif -%}
{%- endmacro %}

{#- Null-safe: what is not counted yet is null. -#}
{% macro same_statistics(one, other) -%}
    {%- for column in ['first_open_time', 'last_open_time', 'candle_count', 'final_count', 'expected_count', 'completeness', 'lowest_price',
        'highest_price', 'gap_count', 'missing_explained', 'missing_unexplained'] -%}
        {{ one }}.{{ column }} <=> {{ other }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The minutes of a span that backfill_progress looks back for the pace: a backfill that was killed and goes on later is not slow. -#}
{% macro pace_seconds() -%}
    greatest(timestampdiff(second, greatest(backfills.requested_at, utc_timestamp() - interval 10 minute), utc_timestamp()), 1)
{%- endmacro %}

{#- Null without a whole. A quotient of whole numbers has four digits on MySQL. -#}
{% macro share(part, whole) -%}
    cast(cast({{ part }} as decimal(30, 6)) / nullif({{ whole }}, 0) as decimal(9, 6))
{%- endmacro %}
