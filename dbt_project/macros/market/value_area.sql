{#- Three times the typical price (high + low + close) / 3: exact, where a third is not. -#}
{% macro thrice_typical_price(row) %}{{ return(row ~ '.high_price + ' ~ row ~ '.low_price + ' ~ row ~ '.close_price') }}{% endmacro %}

{#-
    The value area by the rule of the Chicago Board of Trade's Market Profile, as Linn Software writes it down (Method A,
    www.linnsoft.com/qa/a/123.htm): from the point of control on, compare the volume of the next two bins above with that of the next two
    below and take the larger pair, until the share is reached; the pair above at a tie. At an edge what is left counts as a pair.

    Said without a loop: a pair is taken when it is the larger head of two queues, so pairs are taken in the order of the smallest pair on
    the way to them, larger first. The CTE `areas` over rows of bins with `series_number`, `bin_number`, `volume`
    and their `place` by volume.
-#}
{% macro value_area(bins) -%}
located as (

    select
        {{ bins }}.*,
        {{ bins }}.bin_number
        - max(case when {{ bins }}.place = 1 then {{ bins }}.bin_number end) over (partition by {{ bins }}.series_number) as distance
    from {{ bins }}

),

paired as (

    select
        located.*,
        sign(distance) as side,
        ceiling(abs(distance) / 2) as pair_number,
        sum(volume) over (partition by series_number, sign(distance), ceiling(abs(distance) / 2)) as step_volume
    from located

),

queued as (

    select
        paired.*,
        min(step_volume) over (partition by series_number, side order by pair_number) as smallest_on_the_way
    from paired

),

areas as (

    select
        queued.*,
        sum(volume) over (
            partition by series_number order by (side = 0) desc, smallest_on_the_way desc, side desc, pair_number
        ) as volume_reached
    from queued

)
{%- endmacro %}
