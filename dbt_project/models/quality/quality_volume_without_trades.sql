{{ config(unique_key=['exchange', 'symbol', 'interval_code', 'open_time']) }}

with

candles as (

    {{ candles_that('facts.trade_count = 0 and (facts.volume > 0 or facts.quote_volume > 0)') }}

)

select
    exchange,
    symbol,
    interval_code,
    open_time,
    volume,
    quote_volume,
    trade_count,
    source,
    load_id,
    object_id
from candles
where {{ not_excepted('volume_without_trades', 'candles', 'candles.open_time') }}
