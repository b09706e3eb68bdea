{#-
    Simple moving average (TA-Lib's TA_SMA): the mean of the last `period` closes. The sum is one of decimals, hence exact whatever rows
    the window slid over; only the quotient is a double. Reads the step `of_day` of macro `fill_windows`.
-#}
{% macro sma(period) -%}
    case when place >= {{ period }} then (sum_{{ period }} + 0e0) / {{ period }}e0 end
{%- endmacro %}

{% macro sum_of_closes(period) -%}
    sum(exact_close) over window_{{ period }} as sum_{{ period }}
{%- endmacro %}
