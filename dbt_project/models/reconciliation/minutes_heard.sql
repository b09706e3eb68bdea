{{
    config(
        unique_key=['exchange', 'symbol', 'hour_start'],
        pins_loads=true,
        every_lane=true,
        feeds=['reconciliation_daily'],
        keep_history=true,
        replace_when=differs('new', 'old', ['rest_minutes', 'archive_minutes'])
    )
}}

-- depends_on: {{ ref('daily_klines') }}

with

minutes as (

    select
        staged.exchange,
        staged.symbol,
        {{ bucket_start('1h', 'staged.open_time') }} as hour_start,
        (case when staged.source = 'rest' then 1 else 0 end) << minute(staged.open_time) as rest_minute,
        (case when staged.source = 'rest' then 0 else 1 end) << minute(staged.open_time) as archive_minute
    {% if is_incremental() %}
        from {{ pinned_loads() }} as pins
        {{ straight_join() }} {{ ref('stg_klines') }} as staged on pins.load_id = staged.load_id
    {% else %}
        from {{ ref('stg_klines') }} as staged
    {% endif %}
    where staged.interval_code = '1m' and staged.is_final = 1

),

hours as (

    select
        exchange,
        symbol,
        hour_start,
        bit_or(rest_minute) as rest_minutes,
        bit_or(archive_minute) as archive_minutes
    from minutes
    group by exchange, symbol, hour_start

)

{% if load_cached_relation(this) is not none %}

    select
        hours.exchange,
        hours.symbol,
        hours.hour_start,
        cast(hours.rest_minutes | coalesce(held.rest_minutes, 0) as signed) as rest_minutes,
        cast(hours.archive_minutes | coalesce(held.archive_minutes, 0) as signed) as archive_minutes
    from hours
    left join {{ this }} as held {{ force_index('primary') }}
        on hours.exchange = held.exchange and hours.symbol = held.symbol and hours.hour_start = held.hour_start

{% else %}

    select
        exchange,
        symbol,
        hour_start,
        cast(rest_minutes as signed) as rest_minutes,
        cast(archive_minutes as signed) as archive_minutes
    from hours

{% endif %}
