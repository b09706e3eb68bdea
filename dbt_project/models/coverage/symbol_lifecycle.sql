with

states as (

    select * from {{ source('raw', 'symbol_states') }}

),

symbols as (

    select * from {{ source('raw', 'tracked_symbols') }}

)

select
    states.exchange,
    states.symbol,
    states.valid_from,
    states.valid_to,
    (states.valid_to is null) as is_current,
    states.status,
    states.base_asset,
    states.quote_asset,
    coalesce(symbols.active, 0) as is_tracked,
    symbols.first_open_time,
    (
        select max(gone.valid_from)
        from states as gone
        where
            gone.exchange = states.exchange
            and gone.symbol = states.symbol
            and gone.status = 'NOT_LISTED'
            and gone.valid_to is null
            and (
                symbols.first_open_time is not null
                or exists (
                    select 1
                    from states as listed
                    where listed.exchange = gone.exchange and listed.symbol = gone.symbol and listed.status <> 'NOT_LISTED'
                )
            )
    ) as delisted_at
from states
left join symbols on states.exchange = symbols.exchange and states.symbol = symbols.symbol
