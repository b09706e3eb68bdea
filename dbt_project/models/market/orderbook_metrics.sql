{{
    config(
        materialized='incremental',
        tags=['minute'],
        unique_key=['exchange', 'symbol', 'captured_at'],
        partition_by={'column': 'captured_at', 'from': '2024-01-01'},
        pins_loads=true,
        keep_history=true,
        replace_when=differs_or_null('new', 'old', book_values())
    )
}}

with

books as (

    {% if is_incremental() %}
        select distinct
            owned.exchange,
            owned.symbol,
            owned.captured_at
        from {{ pinned_loads() }} as pins
        {{ straight_join() }} {{ ref('fact_orderbook') }} as owned {{ force_index('by_load') }} on pins.load_id = owned.load_id
    {% else %}
        select distinct
            exchange,
            symbol,
            captured_at
        from {{ ref('fact_orderbook') }}
    {% endif %}

),

tops as (

    select
        levels.exchange,
        levels.symbol,
        levels.captured_at,
        max(case when levels.side = 'bid' then levels.price end) as best_bid_price,
        min(case when levels.side = 'ask' then levels.price end) as best_ask_price
    from books
    {{ straight_join() }} {{ ref('fact_orderbook') }} as levels {{ force_index('primary') }}
        on books.exchange = levels.exchange and books.symbol = levels.symbol and books.captured_at = levels.captured_at
    where levels.quantity > 0
    group by levels.exchange, levels.symbol, levels.captured_at

),

sums as (

    select
        tops.exchange,
        tops.symbol,
        tops.captured_at,
        tops.best_bid_price,
        tops.best_ask_price,
        tops.best_bid_price + tops.best_ask_price as twice_mid_price,
        {{ book_sums() }}
    from tops
    {{ straight_join() }} {{ ref('fact_orderbook') }} as levels {{ force_index('primary') }}
        on tops.exchange = levels.exchange and tops.symbol = levels.symbol and tops.captured_at = levels.captured_at
    where levels.quantity > 0
    group by tops.exchange, tops.symbol, tops.captured_at, tops.best_bid_price, tops.best_ask_price

)

select
    exchange,
    symbol,
    captured_at,
    best_bid_price,
    best_bid_quantity,
    best_ask_price,
    best_ask_quantity,
    best_ask_price - best_bid_price as spread,
    20000 * (best_ask_price - best_bid_price) / nullif(twice_mid_price, 0) as spread_basis_points,
    twice_mid_price / 2 as mid_price,
    (best_ask_price * best_bid_quantity + best_bid_price * best_ask_quantity)
    / (best_bid_quantity + best_ask_quantity) as microprice,
    (best_bid_quantity - best_ask_quantity) / (best_bid_quantity + best_ask_quantity) as top_imbalance,
    (bid_quantity - ask_quantity) / (bid_quantity + ask_quantity) as book_imbalance,
    {{ book_depths() }},
    10000 * (twice_mid_price - 2 * lowest_bid_price) / nullif(twice_mid_price, 0) as reaches_bid_basis_points,
    10000 * (2 * highest_ask_price - twice_mid_price) / nullif(twice_mid_price, 0) as reaches_ask_basis_points,
    bid_levels,
    ask_levels,
    last_update_id,
    utc_timestamp(3) as updated_at
from sums
