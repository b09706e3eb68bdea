with

source as (

    select * from {{ source('raw', 'archive_files') }}

)

select
    -- ids
    exchange,
    symbol,
    interval_code,
    granularity,
    period_start,
    path,
    state,
    checksum,
    object_id,
    reason,

    -- numerics
    editions,
    payload_bytes,
    attempts,

    -- timestamps
    published_at,
    checked_at
from source
