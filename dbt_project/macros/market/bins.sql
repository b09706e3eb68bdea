{#-
    Bins of equal width between the lowest and the highest value, numbered from 1; a value on a bound belongs to the upper bin, the highest
    value to the last (numpy.histogram's rule). Where all values are the same there is one bin.

    `bin_of` is exact: values are DECIMAL. Values in DOUBLE are put by `likely_bin_of` and set right by `corrected_bin`, so that a bin holds
    what lies within the bounds its row shows.
-#}
{% macro bin_of(value, lowest, highest, bins) -%}
    least(coalesce(({{ value }} - {{ lowest }}) * {{ bins }} div nullif({{ highest }} - {{ lowest }}, 0), 0), {{ bins - 1 }}) + 1
{%- endmacro %}

{% macro likely_bin_of(value, lowest, highest, bins) -%}
    least(floor(coalesce(({{ value }} - {{ lowest }}) / nullif({{ highest }} - {{ lowest }}, 0), 0) * {{ bins }}), {{ bins - 1 }}) + 1
{%- endmacro %}

{% macro corrected_bin(value, lowest, highest, bins, likely) -%}
    cast(
        {{ likely }}
        - ({{ value }} < {{ bin_bound(lowest, highest, bins, likely ~ ' - 1') }})
        + ({{ value }} >= {{ bin_bound(lowest, highest, bins, likely) }} and {{ likely }} < {{ bins }} and {{ highest }} > {{ lowest }}) as signed
    )
{%- endmacro %}

{#- The upper bound of bin n, in DOUBLE; n = 0: the lower bound of the first. -#}
{% macro bin_bound(lowest, highest, bins, n) -%}
    case
        when {{ n }} = {{ bins }} or {{ highest }} = {{ lowest }} then {{ highest }} * 1e0
        else {{ lowest }} * 1e0 + ({{ n }}) * (({{ highest }} - {{ lowest }}) * 1e0 / {{ bins }})
    end
{%- endmacro %}

{#- The bins a series has, of `bins`: for a join with `steps`, whose numbers start at 0. -#}
{% macro has_bin(n, lowest, highest) -%}
    ({{ n }} = 0 or {{ highest }} > {{ lowest }})
{%- endmacro %}

{% macro bin_steps(bins) -%} {{ steps(bins) }} {%- endmacro %}
