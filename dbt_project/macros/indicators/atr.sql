{#-
    Average true range after Wilder, as TA-Lib's TA_ATR: the mean of the first `atr_period` true ranges, smoothed from then on. The true
    range takes the close before into the bar's own range; the first bar has none.
-#}
{% macro next_atr() -%}
    {{ next_wilder_mean('atr_state',
        '(greatest(bars.high_price, chain.close_price) - least(bars.low_price, chain.close_price))', var('atr_period')) }}
{%- endmacro %}

{% macro atr() -%}
    case when chain.number > {{ var('atr_period') }} then chain.atr_state end
{%- endmacro %}
