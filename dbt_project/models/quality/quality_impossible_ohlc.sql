{{ config(unique_key=['exchange', 'symbol', 'interval_code', 'open_time']) }}

with

candles as (

    {{ candles_that(
        'facts.low_price <= 0 or facts.low_price > least(facts.open_price, facts.close_price)'
        ' or facts.high_price < greatest(facts.open_price, facts.close_price) or facts.volume < 0 or facts.quote_volume < 0'
        ' or facts.trade_count < 0 or facts.taker_buy_volume < 0 or facts.taker_buy_quote_volume < 0 or facts.close_time <= facts.open_time'
    ) }}

)

select
    exchange,
    symbol,
    interval_code,
    open_time,
    open_price,
    high_price,
    low_price,
    close_price,
    volume,
    quote_volume,
    trade_count,
    close_time,
    source,
    load_id,
    object_id
from candles
where {{ not_excepted('impossible_ohlc', 'candles', 'candles.open_time') }}
