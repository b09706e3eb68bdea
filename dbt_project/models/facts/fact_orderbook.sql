{{
    config(
        unique_key=['exchange', 'symbol', 'captured_at', 'side', 'level'],
        indexes={'by_load': ['load_id']},
        partition_by={'column': 'captured_at', 'from': '2024-01-01', 'days': true},
        pins_loads=true,
        feeds=['orderbook_metrics'],
        keep_history=true,
        replace_when='new.load_id > old.load_id and ' ~ differs('new', 'old', ['price', 'quantity', 'last_update_id'])
    )
}}

with

levels as (

    select staged.*
    {% if is_incremental() %}
        from {{ pinned_loads() }} as pins
        {{ straight_join() }} {{ ref('stg_orderbook') }} as staged on pins.load_id = staged.load_id
    {% else %}
        from {{ ref('stg_orderbook') }} as staged
    {% endif %}

),

ranked as (

    select
        levels.*,
        row_number() over (
            partition by levels.exchange, levels.symbol, levels.captured_at, levels.side, levels.level
            order by levels.load_id desc, levels.row_number_in_load desc
        ) as place
    from levels

)

select
    exchange,
    symbol,
    captured_at,
    side,
    level,
    price,
    quantity,
    last_update_id,
    source,
    exchange_time,
    load_id,
    object_id,
    utc_timestamp(3) as created_at
from ranked
where place = 1
