with

symbols as (

    select * from {{ source('raw', 'tracked_symbols') }}
    where active = 1

),

progress as (

    select * from {{ source('raw', 'extraction_metadata') }}

),

last_outcomes as (

    {{ newest_outcomes(source('raw', 'extraction_outcomes')) }}

),

series as (

    {{ known_series('symbols', ['progress', 'last_outcomes']) }}

),

quarantined as (

    {{ rows_of_last_day(source('raw', 'quarantined_rows'), 'quarantined_at', 'exchange, symbol, data_type, interval_code') }}

),

events as (

    {{ rows_of_last_day(source('raw', 'pipeline_events'), 'occurred_at', 'subject') }}

),

pending as (

    select
        case model when 'fact_klines' then 'klines' else 'depth' end as data_type,
        count(*) as pending_loads
    from {{ source('raw', 'pending_loads') }}
    where model in ('fact_klines', 'fact_orderbook')
    group by model

)

select
    exchange,
    symbol,
    data_type,
    interval_code,
    series.symbol_status,
    last_outcomes.status as last_outcome_status,
    last_outcomes.error_kind as last_error_kind,
    timestampdiff(second, progress.last_open_time, utc_timestamp(3)) - {{ interval_seconds('interval_code') }} as lag_seconds,
    coalesce(pending.pending_loads, 0) as pending_loads,
    coalesce(quarantined.row_count, 0) as quarantined_rows_24h,
    coalesce(events.row_count, 0) as events_24h,
    progress.last_open_time as watermark,
    {{ newest_final_open_time('series') }} as newest_final_open_time,
    progress.last_fetch_time as newest_captured_at,
    progress.updated_at
from series
left join progress using (exchange, symbol, data_type, interval_code)
left join last_outcomes using (exchange, symbol, data_type, interval_code)
left join quarantined using (exchange, symbol, data_type, interval_code)
left join events on symbol = events.subject
left join pending using (data_type)
