{{ config(unique_key=['exchange', 'symbol', 'interval_code', 'granularity', 'period_start']) }}

with

files as (

    select * from {{ ref('archive_files') }}
    where state = 'refused'

)

select
    exchange,
    symbol,
    interval_code,
    granularity,
    period_start,
    path,
    reason,
    attempts,
    checked_at
from files
where {{ not_excepted('refused_archive_file', 'files', 'files.period_start') }}
