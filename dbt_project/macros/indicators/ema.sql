{#-
    Exponential moving average, as TA-Lib's TA_EMA: the mean of the first `period` values, then (value - mean) * 2 / (period + 1) + mean.
    The state is the sum while warming up.
-#}
{% macro next_ema(period) -%}
    {{ next_ema_of('bars.close_price', 'ema_' ~ period ~ '_state', period) }}
{%- endmacro %}

{% macro ema(period) -%}
    case when chain.number >= {{ period }} then chain.ema_{{ period }}_state end
{%- endmacro %}

{#- Bars up to `skipped` do not count: TA-Lib begins some averages late. -#}
{% macro next_ema_of(value, state, period, skipped=0) -%}
    case
        {%- if skipped %}
        when bars.number <= {{ skipped }} then 0e0
        {%- endif %}
        when bars.number < {{ skipped + period }} then chain.{{ state }} + {{ value }}
        when bars.number = {{ skipped + period }} then (chain.{{ state }} + {{ value }}) / {{ period }}e0
        else ({{ value }} - chain.{{ state }}) * (2e0 / {{ period + 1 }}e0) + chain.{{ state }}
    end
{%- endmacro %}
