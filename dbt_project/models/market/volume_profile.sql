{%- set bins = var('volume_profile_bins') %}
{{
    config(
        materialized='table',
        tags=['hourly'],
        unique_key=['exchange', 'symbol', 'bin_number'],
        pre_hook={
            'sql': "{{ find_binned_minutes(thrice_typical_price('facts'), var('volume_profile_bins'), var('volume_profile_hours')) }}",
            'transaction': false
        }
    )
}}

-- depends_on: {{ ref('fact_klines') }}, {{ ref('hourly_klines') }}

with

bins as (

    select
        ranges.series_number,
        ranges.exchange,
        ranges.symbol,
        steps.n + 1 as bin_number,
        {{ bin_bound('ranges.lowest', 'ranges.highest', bins, 'steps.n') }} / 3 as lower_price,
        {{ bin_bound('ranges.lowest', 'ranges.highest', bins, 'steps.n + 1') }} / 3 as upper_price,
        coalesce(counted.minutes, 0) as minutes,
        coalesce(counted.volume, 0) as volume,
        ranges.volume as total_volume,
        ranges.from_time,
        ranges.to_time,
        row_number() over (
            partition by ranges.series_number order by coalesce(counted.volume, 0) desc, steps.n
        ) as place
    from {{ price_ranges() }} as ranges
    inner join {{ bin_steps(bins) }} as steps on {{ has_bin('steps.n', 'ranges.lowest', 'ranges.highest') }}
    left join {{ counted_minutes() }} as counted
        on ranges.series_number = counted.series_number and steps.n + 1 = counted.bin_number

),

{{ value_area('bins') }}

select
    exchange,
    symbol,
    bin_number,
    lower_price,
    upper_price,
    minutes,
    volume,
    volume * 1e0 / nullif(total_volume, 0) as share,
    (place = 1 and total_volume > 0) as is_point_of_control,
    (volume_reached - step_volume < {{ var('value_area_share') }} * total_volume) as is_value_area,
    from_time,
    to_time
from areas
