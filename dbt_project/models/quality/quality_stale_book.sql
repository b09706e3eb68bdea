{{ config(unique_key=['exchange', 'symbol']) }}

with

symbols as (

    select
        tracked.exchange,
        tracked.symbol,
        (
            select books.captured_at
            from {{ ref('fact_orderbook') }} as books
            where books.exchange = tracked.exchange and books.symbol = tracked.symbol
            order by books.captured_at desc
            limit 1
        ) as newest_captured_at
    from {{ source('raw', 'tracked_symbols') }} as tracked
    where tracked.active = 1 and coalesce(tracked.status, 'TRADING') = 'TRADING'

),

versions as (

    select
        symbols.exchange,
        symbols.symbol,
        symbols.newest_captured_at,
        newest.last_update_id,
        (
            select before_it.last_update_id
            from {{ ref('fact_orderbook') }} as before_it
            where
                before_it.exchange = symbols.exchange
                and before_it.symbol = symbols.symbol
                and before_it.captured_at <= symbols.newest_captured_at - interval {{ var('stale_book_minutes') }} minute
            order by before_it.captured_at desc
            limit 1
        ) as earlier_update_id
    from symbols
    inner join {{ ref('fact_orderbook') }} as newest
        on
            symbols.exchange = newest.exchange
            and symbols.symbol = newest.symbol
            and symbols.newest_captured_at = newest.captured_at
            and newest.side = 'bid'
            and newest.level = 1

)

select
    exchange,
    symbol,
    newest_captured_at,
    last_update_id,
    case
        when newest_captured_at < utc_timestamp() - interval {{ var('stale_book_minutes') }} minute then 'no book since'
        else 'the book does not change'
    end as finding,
    timestampdiff(minute, newest_captured_at, utc_timestamp()) as minutes_old
from versions
where
    (
        newest_captured_at < utc_timestamp() - interval {{ var('stale_book_minutes') }} minute
        or last_update_id = earlier_update_id
    )
    and {{ not_excepted('stale_book', 'versions', 'versions.newest_captured_at') }}
