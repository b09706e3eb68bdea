{{ config(unique_key=['exchange', 'symbol', 'captured_at']) }}

with

books as (

    {{ best_of_books() }}

)

select
    exchange,
    symbol,
    captured_at,
    last_update_id,
    best_bid,
    best_ask,
    load_id
from books
where
    best_bid >= best_ask
    and {{ not_excepted('crossed_book', 'books', 'books.captured_at') }}
