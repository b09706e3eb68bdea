{{
    config(
        unique_key=['exchange', 'symbol', 'hour_start'],
        indexes={'unfinished': ['is_final', 'exchange', 'symbol']},
        pins_loads=true,
        feeds=['daily_klines', 'market_stats_24h'],
        keep_history=true,
        replace_when=differs('new', 'old', bucket_values()),
        pre_hook={'sql': "{{ find_touched('hour') }}", 'transaction': false}
    )
}}

with

minutes as (

    select
        facts.*,
        touched.bucket_start as hour_start,
        touched.reached_at
    from {{ touched_buckets() }} as touched
    {{ straight_join() }} {{ steps(60) }} as steps
    {{ straight_join() }} {{ ref('fact_klines') }} as facts {{ force_index('primary') }}
        on
            touched.exchange = facts.exchange
            and touched.symbol = facts.symbol
            and facts.interval_code = '1m'
            and facts.open_time = touched.bucket_start + interval steps.n minute

),

placed as (

    select
        minutes.*,
        {{ ohlc_places('exchange, symbol, hour_start', 'open_time') }}
    from minutes

),

hours as (

    select
        exchange,
        symbol,
        hour_start,
        {{ ohlc() }},
        {{ bucket_sums() }},
        count(*) as candle_count,
        cast(sum(is_final) as signed) as final_count,
        min(open_time) as first_open_time,
        max(open_time) as last_open_time,
        max(close_time) as close_time,
        (min(is_final) = 1 and {{ is_passed('hour', 'hour_start', 'max(reached_at)') }}) as is_final
    from placed
    group by exchange, symbol, hour_start

)

select
    hours.*,
    utc_timestamp(3) as updated_at
from hours
