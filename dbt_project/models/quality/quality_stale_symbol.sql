{{ config(unique_key=['exchange', 'symbol']) }}

with

symbols as (

    select
        tracked.*,
        '1m' as interval_code
    from {{ source('raw', 'tracked_symbols') }} as tracked
    where tracked.active = 1 and coalesce(tracked.status, 'TRADING') = 'TRADING'

),

aged as (

    select
        symbols.exchange,
        symbols.symbol,
        {{ newest_final_open_time('symbols') }} as newest_final_open_time,
        coalesce(symbols.resumed_at, symbols.added_at) as tracked_since
    from symbols

),

late as (

    select
        aged.*,
        -- What is there of the time before makes nobody late: warehouse/symbols.py says the same.
        greatest(coalesce(newest_final_open_time + interval 1 minute, tracked_since), tracked_since) as stale_since
    from aged

)

select
    exchange,
    symbol,
    newest_final_open_time,
    stale_since,
    timestampdiff(minute, stale_since, utc_timestamp()) as minutes_late
from late
where
    stale_since < utc_timestamp() - interval {{ var('stale_symbol_minutes') }} minute
    and {{ not_excepted('stale_symbol', 'late', 'utc_timestamp()') }}
