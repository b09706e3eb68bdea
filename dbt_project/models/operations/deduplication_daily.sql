{{
    config(
        materialized='incremental',
        on_schema_change='fail',
        full_refresh=false,
        keep_history=true,
        unique_key=['date', 'exchange', 'symbol', 'data_type', 'interval_code'],
        replace_when=differs('new', 'old', ['rows_received', 'rows_rejected', 'rows_kept', 'object_count'])
    )
}}

with

loads as (

    select
        load_id,
        cast(loaded_at as date) as date
    from {{ source('raw', 'loads') }}
    {% if is_incremental() %}
        where loaded_at >= (
            select coalesce(cast(max(built.updated_at) - interval 3 hour as date), '1970-01-01')
            from {{ this }} as built
            where built.date = (select max(newest.date) from {{ this }} as newest)
        )
    {% endif %}

),

received as (

    select
        loads.date,
        files.exchange,
        files.symbol,
        files.data_type,
        files.interval_code,
        cast(sum(files.record_count + files.rejected_count) as signed) as rows_received,
        cast(sum(files.rejected_count) as signed) as rows_rejected,
        count(*) as object_count
    from loads
    {{ straight_join() }} {{ source('raw', 'processed_files') }} as files {{ force_index('by_load') }}
        on loads.load_id = files.load_id
    group by loads.date, files.exchange, files.symbol, files.data_type, files.interval_code

),

kept as (

    {{ rows_kept('klines', ref('fact_klines'), 'facts.interval_code') }}
    union all
    {{ rows_kept('depth', ref('fact_orderbook'), "''") }}

)

select
    received.*,
    coalesce(kept.rows_kept, 0) as rows_kept,
    greatest(received.rows_received - received.rows_rejected - coalesce(kept.rows_kept, 0), 0) as rows_replaced,
    utc_timestamp(3) as updated_at
from received
left join kept
    on
        received.date = kept.date
        and received.exchange = kept.exchange
        and received.symbol = kept.symbol
        and received.data_type = kept.data_type
        and received.interval_code = kept.interval_code
