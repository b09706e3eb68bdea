{#-
    A quantile by linear interpolation between the two nearest observations (numpy's and R's default, type 7 of Hyndman and Fan, 1996):
    at position p (n - 1), counted from 0. Over rows with `log_return`, their `place` in ascending order from 1, and `observations`.
-#}
{% macro quantile_of_places(p) -%}
    {%- set position = '(observations - 1) * ' ~ p -%}
    sum(
        case place
            when floor({{ position }}) + 1 then log_return * (1e0 - ({{ position }} - floor({{ position }})))
            when floor({{ position }}) + 2 then log_return * ({{ position }} - floor({{ position }}))
        end
    )
{%- endmacro %}

{#- Whether the second moment is more than the rounding of the mean: what scipy.stats asks before it divides by it. -#}
{% macro varies() -%}
    (maximum > minimum and second_moment > mean * 1e-15 * mean * 1e-15)
{%- endmacro %}

{#- Steps of that many minutes in a year of a market that never closes. -#}
{% macro steps_a_year(step_minutes) -%}
    ({{ var('days_per_year') }} * 1440e0 / {{ step_minutes }})
{%- endmacro %}
