{{
    config(
        materialized='incremental',
        tags=['minute'],
        unique_key=['exchange', 'symbol'],
        pins_loads=true,
        keep_history=true,
        replace_when=differs('new', 'old', rolling_values()) ~ ' and ' ~ lost_nothing('new', 'old'),
        pre_hook={'sql': "{{ find_rolling_windows() }}", 'transaction': false}
    )
}}

-- depends_on: {{ ref('fact_klines') }}

with

parts as (

    select
        windows.exchange,
        windows.symbol,
        windows.as_of,
        windows.window_start,
        windows.is_final,
        hourly.hour_start as part_start,
        hourly.open_price,
        hourly.high_price,
        hourly.low_price,
        hourly.close_price,
        hourly.volume,
        hourly.quote_volume,
        hourly.trade_count,
        hourly.candle_count
    from {{ rolling_windows() }} as windows
    {{ straight_join() }} {{ steps(24) }} as steps
    {{ straight_join() }} {{ ref('hourly_klines') }} as hourly {{ force_index('primary') }}
        on
            windows.exchange = hourly.exchange
            and windows.symbol = hourly.symbol
            and hourly.hour_start = windows.last_hour_start - interval steps.n hour

    union all

    select * from {{ rolling_edge() }}

),

placed as (

    select
        parts.*,
        timestampdiff(minute, window_start, part_start) as place
    from parts

),

totals as (

    select
        exchange,
        symbol,
        max(as_of) as as_of,
        max(window_start) as window_start,
        {{ ohlc() }},
        sum(volume) as volume,
        sum(quote_volume) as quote_volume,
        cast(sum(trade_count) as signed) as trade_count,
        cast(sum(candle_count) as signed) as candle_count,
        max(is_final) as is_final
    from placed
    group by exchange, symbol

)

select
    exchange,
    symbol,
    as_of,
    window_start,
    open_price,
    close_price as last_price,
    close_price - open_price as price_change,
    100 * (close_price - open_price) / nullif(open_price, 0) as price_change_percent,
    high_price,
    low_price,
    volume,
    quote_volume,
    trade_count,
    cast(quote_volume as decimal(46, 16)) / nullif(volume, 0) as vwap,
    candle_count,
    is_final,
    utc_timestamp(3) as updated_at
from totals
