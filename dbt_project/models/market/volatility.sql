{{ config(materialized='table', tags=['hourly'], unique_key=['exchange', 'symbol', 'window_name']) }}

with

moves as (

    select
        window_name,
        exchange,
        symbol,
        sqrt(avg(log_range * log_range) / (4 * ln(2))) as parkinson_deviation
    from {{ ref('window_returns') }} {{ force_index('primary') }}
    group by window_name, exchange, symbol

)

select
    distribution.exchange,
    distribution.symbol,
    distribution.window_name,
    distribution.step_minutes,
    distribution.first_open_time,
    distribution.last_open_time,
    distribution.observations,
    distribution.standard_deviation * sqrt({{ steps_a_year('distribution.step_minutes') }}) as realised_volatility,
    moves.parkinson_deviation * sqrt({{ steps_a_year('distribution.step_minutes') }}) as parkinson_volatility
from {{ ref('return_distribution') }} as distribution
inner join moves
    on
        distribution.exchange = moves.exchange
        and distribution.symbol = moves.symbol
        and distribution.window_name = moves.window_name
