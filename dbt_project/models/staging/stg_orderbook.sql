with

source as (

    select * from {{ source('raw', 'staging_orderbook') }} {{ force_index('primary') }}

),

renamed as (

    select
        -- ids
        load_id,
        row_number_in_load,
        object_id,
        exchange,
        symbol,
        side,
        level,
        last_update_id,
        source,

        -- numerics
        price,
        quantity,

        -- timestamps
        captured_at,
        exchange_time

    from source

)

select * from renamed
