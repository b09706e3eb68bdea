{{
    config(
        unique_key=['exchange', 'symbol', 'interval_code', 'open_time'],
        indexes={'by_load': ['load_id']},
        partition_by={'column': 'open_time', 'from': '2017-07-01', 'days': true},
        pins_loads=true,
        feeds=['hourly_klines', 'klines_5m', 'klines_15m', 'indicators_1m', 'coverage_counts'],
        keep_history=true,
        replace_when=beats('new', 'old') ~ ' and ' ~ differs('new', 'old', capture_values()),
        pre_hook=["{{ keep_replaced() }}", "{{ confirm_stored() }}"],
        post_hook="{{ keep_refused() }}"
    )
}}

with

candles as (

    select staged.*
    {% if is_incremental() %}
        from {{ pinned_loads() }} as pins
        {{ straight_join() }} {{ ref('stg_klines') }} as staged on pins.load_id = staged.load_id
    {% else %}
        from {{ ref('stg_klines') }} as staged
    {% endif %}

),

ranked as (

    select
        candles.*,
        row_number() over (
            partition by candles.exchange, candles.symbol, candles.interval_code, candles.open_time
            order by {{ winner_order('candles') }}, candles.row_number_in_load desc
        ) as place
    from candles

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
    close_time,
    quote_volume,
    trade_count,
    taker_buy_volume,
    taker_buy_quote_volume,
    is_final,
    source,
    captured_at,
    captured_at as confirmed_at,
    exchange_time,
    load_id,
    object_id,
    utc_timestamp(3) as created_at
from ranked
where place = 1
