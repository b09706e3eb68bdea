{{ config(materialized='table', tags=['hourly'], unique_key=['exchange', 'symbol', 'window_name', 'bin_number']) }}

{%- set bins = var('return_bins') %}

-- numbered by the key: MariaDB makes the numbers anew for each of the two who read them
with

distribution as (

    select
        *,
        row_number() over (order by exchange, symbol, window_name) as series_number
    from {{ ref('return_distribution') }}

),

guessed as (

    select
        distribution.series_number,
        moves.log_return,
        distribution.minimum,
        distribution.maximum,
        {{ likely_bin_of('moves.log_return', 'distribution.minimum', 'distribution.maximum', bins) }} as likely_bin
    from distribution
    {{ straight_join() }} {{ ref('window_returns') }} as moves {{ force_index('primary') }}
        on
            distribution.window_name = moves.window_name
            and distribution.exchange = moves.exchange
            and distribution.symbol = moves.symbol

),

counted as (

    select
        series_number,
        {{ corrected_bin('log_return', 'minimum', 'maximum', bins, 'likely_bin') }} as bin_number,
        count(*) as observations
    from guessed
    group by series_number, bin_number

)

select
    distribution.exchange,
    distribution.symbol,
    distribution.window_name,
    steps.n + 1 as bin_number,
    {{ bin_bound('distribution.minimum', 'distribution.maximum', bins, 'steps.n') }} as lower_bound,
    {{ bin_bound('distribution.minimum', 'distribution.maximum', bins, 'steps.n + 1') }} as upper_bound,
    coalesce(counted.observations, 0) as observations,
    coalesce(counted.observations, 0) * 1e0 / distribution.observations as share
from distribution
inner join {{ bin_steps(bins) }} as steps on {{ has_bin('steps.n', 'distribution.minimum', 'distribution.maximum') }}
left join counted on distribution.series_number = counted.series_number and steps.n + 1 = counted.bin_number
