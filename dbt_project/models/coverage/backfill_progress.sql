with

backfills as (

    select * from {{ source('raw', 'backfills') }}

),

parts as (

    select
        backfill_id,
        count(*) as part_count,
        cast(sum(state in ('done', 'unchanged', 'missing')) as signed) as finished_parts,
        cast(sum(state = 'missing') as signed) as missing_parts,
        cast(sum(state = 'failed') as signed) as failed_parts,
        cast(sum(state = 'pending') as signed) as pending_parts,
        cast(sum(object_count) as signed) as object_count,
        cast(sum(row_count) as signed) as rows_loaded,
        cast(sum(payload_bytes) as signed) as payload_bytes,
        sum(case when finished_at >= utc_timestamp() - interval 10 minute then row_count else 0 end) as recent_rows,
        sum(
            case
                when finished_at >= utc_timestamp() - interval 10 minute then timestampdiff(minute, from_time, to_time)
                else 0
            end
        ) as recent_span,
        sum(case when state = 'pending' then timestampdiff(minute, from_time, to_time) else 0 end) as pending_span
    from {{ source('raw', 'backfill_parts') }}
    group by backfill_id

),

paced as (

    select
        backfills.*,
        parts.part_count,
        parts.finished_parts,
        parts.missing_parts,
        parts.failed_parts,
        parts.pending_parts,
        parts.object_count,
        parts.rows_loaded,
        parts.payload_bytes,
        parts.recent_rows,
        parts.recent_span,
        parts.pending_span,
        case
            when backfills.state = 'running' then {{ pace_seconds() }}
            else greatest(timestampdiff(second, backfills.requested_at, backfills.finished_at), 1)
        end as seconds
    from backfills
    left join parts on backfills.backfill_id = parts.backfill_id

)

select
    -- ids
    backfill_id,
    run_id,
    exchange,
    symbols,
    interval_code,
    source,
    state,

    -- numerics
    coalesce(part_count, 0) as part_count,
    coalesce(finished_parts, 0) as finished_parts,
    coalesce(missing_parts, 0) as missing_parts,
    coalesce(failed_parts, 0) as failed_parts,
    coalesce(pending_parts, 0) as pending_parts,
    coalesce(object_count, 0) as object_count,
    coalesce(rows_loaded, 0) as rows_loaded,
    coalesce(payload_bytes, 0) as payload_bytes,
    cast(case when state = 'running' then recent_rows else rows_loaded end / seconds as decimal(20, 1)) as rows_per_second,
    case
        when state = 'running' and recent_span > 0 then cast(ceiling(pending_span * seconds / recent_span) as signed)
    end as eta_seconds,

    -- booleans
    is_forced,
    is_kept,

    -- timestamps
    from_time,
    to_time,
    requested_at,
    updated_at,
    finished_at
from paced
