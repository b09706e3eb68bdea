{{ config(materialized='table', tags=['hourly'], unique_key=['exchange', 'symbol', 'window_name']) }}

with

means as (

    select
        window_name,
        exchange,
        symbol,
        count(*) as observations,
        avg(log_return) as mean,
        row_number() over (order by null) as series_number
    from {{ ref('window_returns') }} {{ force_index('primary') }}
    group by window_name, exchange, symbol

),

placed as (

    select
        moves.*,
        means.observations,
        means.mean,
        means.series_number,
        moves.log_return - means.mean as deviation,
        row_number() over (partition by means.series_number order by moves.log_return) as place
    from means
    {{ straight_join() }} {{ ref('window_returns') }} as moves {{ force_index('primary') }}
        on
            means.window_name = moves.window_name
            and means.exchange = moves.exchange
            and means.symbol = moves.symbol

),

moments as (

    select
        series_number,
        min(exchange) as exchange,
        min(symbol) as symbol,
        min(window_name) as window_name,
        min(step_minutes) as step_minutes,
        min(open_time) as first_open_time,
        max(open_time) as last_open_time,
        min(observations) as observations,
        min(mean) as mean,
        avg(deviation * deviation) as second_moment,
        avg(deviation * deviation * deviation) as third_moment,
        avg(deviation * deviation * deviation * deviation) as fourth_moment,
        {{ quantile_of_places('0.05') }} as quantile_05,
        {{ quantile_of_places('0.01') }} as quantile_01,
        min(log_return) as minimum,
        max(log_return) as maximum
    from placed
    group by series_number

)

select
    exchange,
    symbol,
    window_name,
    step_minutes,
    first_open_time,
    last_open_time,
    observations,
    case when maximum > minimum then mean else minimum end as mean,
    case
        when observations < 2 then null
        when maximum > minimum then sqrt(second_moment * observations / (observations - 1))
        else 0e0
    end as standard_deviation,
    case when observations >= 3 and {{ varies() }} then third_moment / power(second_moment, 1.5) end as skewness,
    case when observations >= 4 and {{ varies() }} then fourth_moment / power(second_moment, 2) - 3 end as excess_kurtosis,
    case when observations >= 20 then -quantile_05 end as var_95,
    case when observations >= 100 then -quantile_01 end as var_99,
    minimum,
    maximum
from moments
