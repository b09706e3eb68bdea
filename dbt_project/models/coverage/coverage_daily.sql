{{
    config(
        materialized='incremental',
        on_schema_change='fail',
        unique_key=['exchange', 'symbol', 'date'],
        indexes={'by_count': ['counted_at']},
        replace_when=differs('new', 'old', ['expected_minutes', 'present_minutes', 'final_minutes', 'explained_minutes', 'counted_at']),
        pre_hook={'sql': "{{ find_counted_days() }}", 'transaction': false},
        post_hook="{{ forget_uncounted_days() }}"
    )
}}

with

counts as (

    select * from {{ source('raw', 'coverage_counts') }}

),

days as (

    select
        counts.exchange,
        counts.symbol,
        counts.date,
        counts.expected_minutes,
        counts.present_minutes,
        counts.final_minutes,
        counted.explained_minutes,
        counts.counted_at
    from {{ counted_days() }} as counted
    {{ straight_join() }} counts
        on counted.exchange = counts.exchange and counted.symbol = counts.symbol and counted.date = counts.date

)

select
    days.*,
    expected_minutes - present_minutes - explained_minutes as unexplained_minutes,
    {{ share('present_minutes', 'expected_minutes') }} as completeness,
    utc_timestamp(3) as updated_at
from days
