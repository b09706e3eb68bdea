{{ config(unique_key=['exchange', 'symbol', 'date', 'check_name']) }}

with

days as (

    select * from {{ ref('reconciliation_daily') }}
    where difference_count > 0

)

select
    exchange,
    symbol,
    date,
    check_name,
    bucket_count,
    difference_count,
    unexplained_count,
    first_offending_bucket,
    compared_at
from days
where
    unexplained_count > 0
    and {{ not_excepted('unreconciled_day', 'days', 'days.date') }}
