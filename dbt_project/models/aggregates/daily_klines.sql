{{
    config(
        unique_key=['exchange', 'symbol', 'date'],
        indexes={'unfinished': ['is_final', 'exchange', 'symbol']},
        pins_loads=true,
        feeds=['minutes_heard'],
        keep_history=true,
        replace_when=differs('new', 'old', bucket_values() + ['hour_count']),
        pre_hook={'sql': "{{ find_touched('day') }}", 'transaction': false}
    )
}}

-- depends_on: {{ ref('fact_klines') }}

with

hours as (

    select
        hourly.*,
        cast(touched.bucket_start as date) as date,
        touched.reached_at
    from {{ touched_buckets() }} as touched
    {{ straight_join() }} {{ steps(24) }} as steps
    {{ straight_join() }} {{ ref('hourly_klines') }} as hourly {{ force_index('primary') }}
        on
            touched.exchange = hourly.exchange
            and touched.symbol = hourly.symbol
            and hourly.hour_start = touched.bucket_start + interval steps.n hour

),

placed as (

    select
        hours.*,
        {{ ohlc_places('exchange, symbol, date', 'hour_start') }}
    from hours

),

days as (

    select
        exchange,
        symbol,
        date,
        {{ ohlc() }},
        {{ bucket_sums() }},
        count(*) as hour_count,
        cast(sum(candle_count) as signed) as candle_count,
        cast(sum(final_count) as signed) as final_count,
        min(first_open_time) as first_open_time,
        max(last_open_time) as last_open_time,
        max(close_time) as close_time,
        (min(is_final) = 1 and {{ is_passed('day', 'date', 'max(reached_at)') }}) as is_final
    from placed
    group by exchange, symbol, date

)

select
    days.*,
    utc_timestamp(3) as updated_at
from days
