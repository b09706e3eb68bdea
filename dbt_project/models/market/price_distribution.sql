{%- set bins = var('price_bins') %}
{{
    config(
        materialized='table',
        tags=['hourly'],
        unique_key=['exchange', 'symbol', 'bin_number'],
        pre_hook={
            'sql': "{{ find_binned_minutes('facts.close_price', var('price_bins'), var('price_distribution_hours')) }}",
            'transaction': false
        }
    )
}}

-- depends_on: {{ ref('fact_klines') }}, {{ ref('hourly_klines') }}

select
    ranges.exchange,
    ranges.symbol,
    steps.n + 1 as bin_number,
    {{ bin_bound('ranges.lowest', 'ranges.highest', bins, 'steps.n') }} as lower_price,
    {{ bin_bound('ranges.lowest', 'ranges.highest', bins, 'steps.n + 1') }} as upper_price,
    coalesce(counted.minutes, 0) as minutes,
    coalesce(counted.minutes, 0) * 1e0 / ranges.minutes as share,
    sum(coalesce(counted.minutes, 0)) over (partition by ranges.series_number order by steps.n) * 1e0
    / ranges.minutes as cumulative_share,
    ranges.from_time,
    ranges.to_time
from {{ price_ranges() }} as ranges
inner join {{ bin_steps(bins) }} as steps on {{ has_bin('steps.n', 'ranges.lowest', 'ranges.highest') }}
left join {{ counted_minutes() }} as counted
    on ranges.series_number = counted.series_number and steps.n + 1 = counted.bin_number
