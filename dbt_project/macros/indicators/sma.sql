{#-
    Simple moving average (TA-Lib's TA_SMA): the mean of the last `period` closes. The sum is one of decimals, hence exact whatever rows
    the window slid over; only the quotient is a double. Reads the step `placed` of macro `fill_windows`.
-#}
{% macro sma(period) -%}
    case when place >= {{ period }} then (sum_{{ period }} + 0e0) / {{ period }}e0 end
{%- endmacro %}

{% macro sum_of_closes(period) -%}
    sum(bars.exact_close) over (partition by bars.segment order by bars.number rows {{ period - 1 }} preceding) as sum_{{ period }}
{%- endmacro %}
