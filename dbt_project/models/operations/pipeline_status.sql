with

series as (

    select * from {{ source('raw', 'extraction_metadata') }}

),

last_outcomes as (

    select
        exchange,
        symbol,
        data_type,
        interval_code,
        status,
        error_kind,
        row_number() over (partition by exchange, symbol, data_type, interval_code order by outcome_id desc) as place
    from {{ source('raw', 'extraction_outcomes') }}
    where captured_at >= utc_timestamp() - interval 1 hour

),

quarantined as (

    select
        exchange,
        symbol,
        data_type,
        interval_code,
        count(*) as quarantined_rows_24h
    from {{ source('raw', 'quarantined_rows') }}
    where quarantined_at >= utc_timestamp() - interval 24 hour
    group by exchange, symbol, data_type, interval_code

),

events as (

    select
        subject,
        count(*) as events_24h
    from {{ source('raw', 'pipeline_events') }}
    where occurred_at >= utc_timestamp() - interval 24 hour
    group by subject

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
    series.exchange,
    series.symbol,
    series.data_type,
    series.interval_code,
    last_outcomes.status as last_outcome_status,
    last_outcomes.error_kind as last_error_kind,
    timestampdiff(second, series.last_open_time, utc_timestamp(3)) as lag_seconds,
    coalesce(pending.pending_loads, 0) as pending_loads,
    coalesce(quarantined.quarantined_rows_24h, 0) as quarantined_rows_24h,
    coalesce(events.events_24h, 0) as events_24h,
    series.last_open_time as watermark,
    (
        select facts.open_time
        from {{ ref('fact_klines') }} as facts
        where
            facts.exchange = series.exchange
            and facts.symbol = series.symbol
            and facts.interval_code = series.interval_code
            and facts.is_final = 1
        order by facts.open_time desc
        limit 1
    ) as newest_final_open_time,
    series.last_fetch_time as newest_captured_at,
    series.updated_at
from series
left join last_outcomes
    on
        series.exchange = last_outcomes.exchange
        and series.symbol = last_outcomes.symbol
        and series.data_type = last_outcomes.data_type
        and series.interval_code = last_outcomes.interval_code
        and last_outcomes.place = 1
left join quarantined
    on
        series.exchange = quarantined.exchange
        and series.symbol = quarantined.symbol
        and series.data_type = quarantined.data_type
        and series.interval_code = quarantined.interval_code
left join events on series.symbol = events.subject
left join pending on series.data_type = pending.data_type
