{{ config(unique_key=['exchange', 'symbol', 'interval_code', 'open_time']) }}

with

candles as (

    {{ candles_that('facts.open_time > facts.exchange_time + interval ' ~ interval_seconds('facts.interval_code') ~ ' second') }}

)

select
    exchange,
    symbol,
    interval_code,
    open_time,
    exchange_time,
    captured_at,
    timestampdiff(second, exchange_time, open_time) as seconds_ahead,
    source,
    load_id,
    object_id
from candles
where {{ not_excepted('future_candle', 'candles', 'candles.open_time') }}
