{{ config(unique_key=['quarantine_id']) }}

with

quarantined as (

    select * from {{ source('raw', 'quarantined_rows') }}
    where
        quarantined_at >= utc_timestamp() - interval {{ var('quarantine_days') }} day
        and resolved_load_id is null

)

select
    quarantine_id,
    exchange,
    symbol,
    data_type,
    interval_code,
    open_time,
    reason,
    offending,
    object_id,
    row_number_in_object,
    load_id,
    quarantined_at
from quarantined
where {{ not_excepted('quarantined_row', 'quarantined', 'coalesce(quarantined.open_time, quarantined.quarantined_at)') }}
