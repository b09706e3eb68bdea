{#-
    Bollinger bands (TA-Lib's TA_BBANDS with a simple average): the mean of the last `bollinger_period` closes, and `bollinger_deviations`
    population standard deviations around it. n * sum(x^2) - sum(x)^2 is exact in decimals, so nothing cancels where prices are large and
    hardly move; constant prices have a deviation of exactly 0. Reads the step `of_day` of macro `fill_windows`.
-#}
{% macro bollinger(deviations) -%}
    {%- set period = var('bollinger_period') -%}
    case
        when place >= {{ period }}
            then (sum_{{ period }} + 0e0) / {{ period }}e0
                {%- if deviations %}
                + {{ deviations }}e0 * sqrt({{ period }} * sum_of_squares - sum_{{ period }} * sum_{{ period }}) / {{ period }}e0
                {%- endif %}
    end
{%- endmacro %}

{% macro sum_of_squared_closes() -%}
    sum(exact_close * exact_close) over window_{{ var('bollinger_period') }} as sum_of_squares
{%- endmacro %}
