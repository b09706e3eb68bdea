{{
    config(
        materialized='incremental',
        on_schema_change='fail',
        unique_key=['exchange', 'symbol', 'interval_code'],
        replace_when='not (' ~ same_statistics('new', 'old') ~ ')'
    )
}}

with

coverage as (

    select
        exchange,
        symbol,
        cast(sum(expected_minutes) as signed) as expected_count,
        cast(sum(present_minutes) as signed) as present_count,
        cast(sum(explained_minutes) as signed) as missing_explained,
        cast(sum(unexplained_minutes) as signed) as missing_unexplained
    from {{ ref('coverage_daily') }}
    group by exchange, symbol

),

gaps as (

    select
        exchange,
        symbol,
        count(*) as gap_count
    from {{ source('raw', 'gap_ledger') }} as ledger
    where {{ is_minute_gap('ledger') }} and {{ is_expected('ledger') }}
    group by exchange, symbol

),

minutes as (

    select
        exchange,
        symbol,
        min(first_open_time) as first_open_time,
        max(last_open_time) as last_open_time,
        cast(sum(candle_count) as signed) as candle_count,
        cast(sum(final_count) as signed) as final_count,
        min(low_price) as lowest_price,
        max(high_price) as highest_price
    from {{ ref('daily_klines') }}
    group by exchange, symbol

),

loaded as (

    {{ native_series() }}

),

natives as (

    select
        facts.exchange,
        facts.symbol,
        facts.interval_code,
        min(facts.open_time) as first_open_time,
        max(facts.open_time) as last_open_time,
        count(*) as candle_count,
        cast(sum(facts.is_final) as signed) as final_count,
        min(facts.low_price) as lowest_price,
        max(facts.high_price) as highest_price
    from loaded
    {{ straight_join() }} {{ ref('fact_klines') }} as facts {{ force_index('primary') }}
        on
            loaded.exchange = facts.exchange
            and loaded.symbol = facts.symbol
            and loaded.interval_code = facts.interval_code
    group by facts.exchange, facts.symbol, facts.interval_code

),

counted as (

    select
        natives.*,
        cast(
            timestampdiff(second, first_open_time, last_open_time) / {{ interval_seconds('interval_code') }} + 1 as signed
        ) as expected_count
    from natives

)

select
    exchange,
    symbol,
    '1m' as interval_code,
    minutes.first_open_time,
    minutes.last_open_time,
    minutes.candle_count,
    minutes.final_count,
    coverage.expected_count,
    {{ share('coverage.present_count', 'coverage.expected_count') }} as completeness,
    minutes.lowest_price,
    minutes.highest_price,
    coalesce(gaps.gap_count, 0) as gap_count,
    coverage.missing_explained,
    coverage.missing_unexplained,
    utc_timestamp(3) as updated_at
from minutes
left join coverage using (exchange, symbol)
left join gaps using (exchange, symbol)
union all
select
    exchange,
    symbol,
    interval_code,
    first_open_time,
    last_open_time,
    candle_count,
    final_count,
    expected_count,
    {{ share('candle_count', 'expected_count') }} as completeness,
    lowest_price,
    highest_price,
    null as gap_count,
    null as missing_explained,
    null as missing_unexplained,
    utc_timestamp(3) as updated_at
from counted
