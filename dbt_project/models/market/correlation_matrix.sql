{{ config(materialized='view', tags=['hourly']) }}

with

pairs as (

    select * from {{ source('raw', 'correlation_pairs') }}

)

select
    -- ids
    exchange,
    window_name,
    symbol_a as symbol,
    symbol_b as other_symbol,

    -- numerics
    correlation,
    observations,
    step_minutes,

    -- timestamps
    window_start,
    window_end,
    computed_at
from pairs

union all

-- the other triangle; the diagonal is in the first half
select
    exchange,
    window_name,
    symbol_b as symbol,
    symbol_a as other_symbol,
    correlation,
    observations,
    step_minutes,
    window_start,
    window_end,
    computed_at
from pairs
where symbol_a <> symbol_b
