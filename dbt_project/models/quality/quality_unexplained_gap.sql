{{ config(unique_key=['gap_id']) }}

with

gaps as (

    select * from {{ ref('gap_ledger') }}

)

select
    gap_id,
    exchange,
    symbol,
    data_type,
    interval_code,
    from_time,
    to_time,
    minutes,
    reason,
    status,
    attempts,
    next_attempt_at,
    detected_at
from gaps
where
    status <> 'closed'
    and is_explained = 0
    and (data_type <> 'depth' or updated_at >= utc_timestamp() - interval {{ var('lost_book_days') }} day)
    and detected_at < utc_timestamp() - interval {{ var('gap_grace_minutes') }} minute
    and {{ not_excepted('unexplained_gap', 'gaps', 'gaps.from_time') }}
