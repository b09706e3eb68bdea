{{ config(unique_key=['exchange', 'symbol', 'interval_code', 'open_time', 'object_id', 'load_id']) }}

with

newest_loads as (

    select load_id
    from {{ source('raw', 'loads') }}
    order by load_id desc
    limit {{ var('quality_loads') }}

),

said as (

    select
        staged.exchange,
        staged.symbol,
        staged.interval_code,
        staged.open_time,
        staged.object_id,
        staged.load_id,
        count(*) as times_said,
        count(distinct staged.close_price, staged.volume, staged.trade_count) as versions
    from newest_loads
    {{ straight_join() }} {{ source('raw', 'staging_klines') }} as staged {{ force_index('primary') }}
        on newest_loads.load_id = staged.load_id
    group by staged.exchange, staged.symbol, staged.interval_code, staged.open_time, staged.object_id, staged.load_id
    having count(*) > 1

)

select * from said
where {{ not_excepted('duplicate_key', 'said', 'said.open_time') }}
