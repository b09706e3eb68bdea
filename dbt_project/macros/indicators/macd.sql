{#-
    Moving average convergence/divergence, as TA-Lib's TA_MACD: fast EMA less slow EMA, and an EMA of that as signal.

    TA-Lib begins both averages so that their first value falls on the slow one's first bar: the fast one is seeded with the mean of the
    `macd_fast_period` bars up to there, not of its own first ones. It says nothing before the signal is warm.
-#}
{% macro next_macd_fast() -%}
    {{ next_ema_of('bars.close_price', 'macd_fast_state', var('macd_fast_period'), skipped=var('macd_slow_period') - var('macd_fast_period')) }}
{%- endmacro %}

{% macro next_macd_slow() -%}
    {{ next_ema_of('bars.close_price', 'macd_slow_state', var('macd_slow_period')) }}
{%- endmacro %}

{% macro next_macd_signal() -%}
    {{ next_ema_of('(' ~ next_macd_fast() ~ ' - ' ~ next_macd_slow() ~ ')', 'macd_signal_state', var('macd_signal_period'),
        skipped=var('macd_slow_period') - 1) }}
{%- endmacro %}

{% macro macd() -%}
    case when {{ macd_is_warm() }} then chain.macd_fast_state - chain.macd_slow_state end
{%- endmacro %}

{% macro macd_signal() -%}
    case when {{ macd_is_warm() }} then chain.macd_signal_state end
{%- endmacro %}

{% macro macd_histogram() -%}
    case when {{ macd_is_warm() }} then chain.macd_fast_state - chain.macd_slow_state - chain.macd_signal_state end
{%- endmacro %}

{% macro macd_is_warm() -%}
    chain.number >= {{ var('macd_slow_period') + var('macd_signal_period') - 1 }}
{%- endmacro %}
