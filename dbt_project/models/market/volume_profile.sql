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
        series_number,
        bin_number,
        minutes,
        volume,
        row_number() over (partition by series_number order by volume desc, bin_number asc) as place
    from {{ counted_minutes() }}

),

{{ value_area('bins') }}

-- Only here the names and bounds: the rows above are sorted several times, and MySQL takes three times as long with wide ones.
select
    ranges.exchange,
    ranges.symbol,
    areas.bin_number,
    {{ bin_bound('ranges.lowest', 'ranges.highest', bins, '(areas.bin_number - 1)') }} / 3 as lower_price,
    {{ bin_bound('ranges.lowest', 'ranges.highest', bins, 'areas.bin_number') }} / 3 as upper_price,
    areas.minutes,
    areas.volume,
    areas.volume * 1e0 / nullif(ranges.volume, 0) as share,
    (areas.place = 1 and ranges.volume > 0) as is_point_of_control,
    (areas.volume_reached - areas.step_volume < {{ var('value_area_share') }} * ranges.volume) as is_value_area,
    ranges.from_time,
    ranges.to_time
from areas
inner join {{ price_ranges() }} as ranges on areas.series_number = ranges.series_number
