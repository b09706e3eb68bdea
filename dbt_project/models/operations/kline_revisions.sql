with

source as (

    select * from {{ source('raw', 'kline_revisions') }}

)

select * from source
