with

source as (

    select * from {{ source('raw', 'staging_klines') }} {{ force_index('primary') }}

),

renamed as (

    select
        -- ids
        load_id,
        row_number_in_load,
        object_id,
        exchange,
        symbol,
        interval_code,
        source,

        -- numerics
        open_price,
        high_price,
        low_price,
        close_price,
        volume,
        quote_volume,
        trade_count,
        taker_buy_volume,
        taker_buy_quote_volume,

        -- booleans
        {{ is_final('close_time', 'exchange_time') }} as is_final,

        -- timestamps
        open_time,
        close_time,
        captured_at,
        exchange_time

    from source

)

select * from renamed
