{{ config(unique_key=['exchange', 'symbol', 'interval_code', 'open_time']) }}

{% set is_late -%}
    facts.is_final = 0 and facts.close_time < utc_timestamp() - interval {{ var('never_final_minutes') }} minute
{%- endset %}

with

unfinished_hours as (

    select
        exchange,
        symbol,
        hour_start
    from {{ ref('hourly_klines') }} {{ force_index('unfinished') }}
    where is_final = 0

),

candles as (

    select facts.*
    from unfinished_hours as hours
    {{ straight_join() }} {{ steps(60) }} as steps
    {{ straight_join() }} {{ ref('fact_klines') }} as facts {{ force_index('primary') }}
        on
            hours.exchange = facts.exchange
            and hours.symbol = facts.symbol
            and facts.interval_code = '1m'
            and facts.open_time = hours.hour_start + interval steps.n minute
    where {{ is_late }}
    union distinct
    {{ candles_that("facts.interval_code <> '1m' and " ~ is_late) }}

)

select
    exchange,
    symbol,
    interval_code,
    open_time,
    close_time,
    captured_at,
    confirmed_at,
    source,
    load_id,
    object_id
from candles
where {{ not_excepted('never_final', 'candles', 'candles.open_time') }}
