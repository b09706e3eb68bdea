with

outcomes as (

    select * from {{ source('raw', 'extraction_outcomes') }}

),

processed_files as (

    select * from {{ source('raw', 'processed_files') }}

),

loads as (

    select * from {{ source('raw', 'loads') }}

)

select
    -- ids
    outcomes.outcome_id,
    outcomes.exchange,
    outcomes.symbol,
    outcomes.data_type,
    outcomes.interval_code,
    outcomes.run_id,
    outcomes.status,
    outcomes.source,
    outcomes.object_key,
    outcomes.load_state,
    outcomes.load_id,
    loads.lane,
    outcomes.error_kind,
    outcomes.error_message,
    processed_files.reason as load_reason,

    -- numerics
    outcomes.http_status,
    outcomes.weight,
    outcomes.latency_ms,
    outcomes.payload_bytes,
    outcomes.row_count as rows_received,
    processed_files.record_count as rows_staged,
    processed_files.rejected_count as rows_rejected,
    timestampdiff(second, outcomes.captured_at, processed_files.processed_at) as load_delay_seconds,

    -- timestamps
    outcomes.captured_at,
    outcomes.exchange_time,
    processed_files.processed_at
from outcomes
left join processed_files on outcomes.outcome_id = processed_files.object_id
left join loads on outcomes.load_id = loads.load_id
