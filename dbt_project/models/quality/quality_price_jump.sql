{{ config(unique_key=['exchange', 'symbol', 'interval_code', 'open_time']) }}

{% set minute_before -%}
    {{ straight_join() }} {{ ref('fact_klines') }} as previous {{ force_index('primary') }}
        on
            facts.exchange = previous.exchange
            and facts.symbol = previous.symbol
            and facts.interval_code = previous.interval_code
            and previous.open_time = facts.open_time - interval 1 minute
{%- endset %}

{% set is_jump -%}
    facts.interval_code = '1m' and facts.is_final = 1 and facts.trade_count > 0 and (
        facts.high_price > previous.close_price * (1 + {{ var('price_jump_share') }})
        or facts.low_price < previous.close_price * (1 - {{ var('price_jump_share') }})
    )
{%- endset %}

with

candles as (

    {{ candles_that(is_jump, columns='facts.*, previous.close_price as previous_close_price', joins=minute_before) }}

)

select
    exchange,
    symbol,
    interval_code,
    open_time,
    previous_close_price,
    low_price,
    high_price,
    close_price,
    cast(
        greatest(high_price - previous_close_price, previous_close_price - low_price) / previous_close_price as decimal(20, 6)
    ) as jump_share,
    trade_count,
    source,
    load_id,
    object_id
from candles
where {{ not_excepted('price_jump', 'candles', 'candles.open_time') }}
