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
    counted.bin_number,
    {{ bin_bound('ranges.lowest', 'ranges.highest', bins, '(counted.bin_number - 1)') }} as lower_price,
    {{ bin_bound('ranges.lowest', 'ranges.highest', bins, 'counted.bin_number') }} as upper_price,
    counted.minutes,
    counted.minutes * 1e0 / ranges.minutes as share,
    sum(counted.minutes) over (partition by counted.series_number order by counted.bin_number) * 1e0
    / ranges.minutes as cumulative_share,
    ranges.from_time,
    ranges.to_time
from {{ price_ranges() }} as ranges
inner join {{ counted_minutes() }} as counted on ranges.series_number = counted.series_number
