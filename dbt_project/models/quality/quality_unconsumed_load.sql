{{ config(unique_key=['consumer', 'load_id']) }}

with

pending as (

    select
        pending.model as consumer,
        loads.load_id,
        loads.lane,
        loads.rows_staged,
        loads.loaded_at
    from {{ source('raw', 'pending_loads') }} as pending
    inner join {{ source('raw', 'loads') }} as loads on pending.load_id = loads.load_id
    where loads.loaded_at < utc_timestamp() - interval {{ var('unconsumed_minutes') }} minute

)

select
    consumer,
    load_id,
    lane,
    rows_staged,
    loaded_at,
    timestampdiff(minute, loaded_at, utc_timestamp()) as minutes_waiting
from pending
where {{ not_excepted('unconsumed_load', none, 'pending.loaded_at') }}
