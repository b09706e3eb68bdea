{{ config(unique_key=['exchange', 'symbol', 'interval_code', 'open_time']) }}

{% set is_off_grid -%}
    mod(timestampdiff(second, '1970-01-01', facts.open_time), {{ interval_seconds('facts.interval_code') }}) <> 0
    or microsecond(facts.open_time) <> 0
{%- endset %}

with

candles as (

    {{ candles_that(is_off_grid) }}

)

select
    exchange,
    symbol,
    interval_code,
    open_time,
    close_time,
    source,
    load_id,
    object_id
from candles
where {{ not_excepted('off_grid_candle', 'candles', 'candles.open_time') }}
