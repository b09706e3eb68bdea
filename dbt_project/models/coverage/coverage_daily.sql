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

-- depends_on: {{ source('raw', 'coverage_counts') }}

with

days as (

    select
        exchange,
        symbol,
        date,
        expected_minutes,
        present_minutes,
        final_minutes,
        explained_minutes,
        counted_at
    from {{ counted_days() }}
    where counted_at is not null

)

select
    days.*,
    expected_minutes - present_minutes - explained_minutes as unexplained_minutes,
    {{ share('present_minutes', 'expected_minutes') }} as completeness,
    utc_timestamp(3) as updated_at
from days
