with

source as (

    select * from {{ source('raw', 'gap_ledger') }}

)

select
    -- ids
    gap_id,
    exchange,
    symbol,
    data_type,
    interval_code,
    reason,
    status,
    evidence,
    closed_by,

    -- numerics
    minutes,
    attempts,

    -- booleans
    {{ explains('source') }} as is_explained,

    -- timestamps
    from_time,
    to_time,
    next_attempt_at,
    detected_at,
    updated_at,
    closed_at
from source
