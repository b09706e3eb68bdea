{{
    config(
        unique_key=['exchange', 'symbol', 'date', 'check_name'],
        indexes={'differing': ['difference_count']},
        pins_loads=true,
        every_lane=true,
        runs_without_loads=true,
        keep_history=true,
        pre_hook={'sql': "{{ find_days_to_compare() }}", 'transaction': false},
        post_hook={'sql': "{{ forget_days_to_compare() }}", 'transaction': false}
    )
}}

-- depends_on: {{ ref('stg_klines') }}

with

days as (

    select * from {{ touched_buckets() }}

),

both_sides as (

    {{ buckets_of_both('days', '1h', ref('hourly_klines'), 'hour_start', 1) }}
    union all
    {{ buckets_of_both('days', '1d', ref('daily_klines'), 'date', 24) }}

),

buckets as (

    {{ comparable('both_sides') }}

),

hours as (

    {{ hours_of_both('days') }}

),

counted as (

    select
        exchange,
        symbol,
        date,
        check_name,
        count(*) as bucket_count
    from buckets
    group by exchange, symbol, date, check_name
    union all
    select
        exchange,
        symbol,
        date,
        'rest_vs_archive' as check_name,
        cast(sum(bit_count(rest_minutes)) as signed) as bucket_count
    from hours
    group by exchange, symbol, date
    having sum(bit_count(rest_minutes)) > 0

),

differing as (

    {{ differing('buckets', 'hours') }}

),

explained as (

    {{ explained_by_gap('differing') }}
    union all
    {{ explained_by_file('differing') }}
    union all
    {{ explained_by_minutes('differing') }}
    union all
    {{ explained_by_candle('differing') }}

),

findings as (

    select
        exchange,
        symbol,
        date,
        check_name,
        bucket_start,
        min(explained.explanation) as explanation
    from differing
    left join explained using (exchange, symbol, date, check_name, bucket_start)
    group by exchange, symbol, date, check_name, bucket_start
    union all
    {{ revised_minutes('hours') }}

),

told as (

    select
        exchange,
        symbol,
        date,
        check_name,
        count(*) as difference_count,
        count(explanation) as explained_count,
        coalesce(min(case when explanation is null then bucket_start end), min(bucket_start)) as first_offending_bucket,
        concat(
            min(explanation),
            case when count(distinct explanation) > 1 then concat(' and ', count(distinct explanation) - 1, ' more') else '' end
        ) as explanation
    from findings
    group by exchange, symbol, date, check_name

)

select
    exchange,
    symbol,
    date,
    check_name,
    counted.bucket_count,
    counted.bucket_count - coalesce(told.difference_count, 0) as match_count,
    coalesce(told.difference_count, 0) as difference_count,
    coalesce(told.explained_count, 0) as explained_count,
    coalesce(told.difference_count - told.explained_count, 0) as unexplained_count,
    told.first_offending_bucket,
    told.explanation,
    utc_timestamp(3) as compared_at
from counted
left join told using (exchange, symbol, date, check_name)
