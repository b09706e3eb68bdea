{#-
    Relative strength index after Wilder, as TA-Lib's TA_RSI computes it: the mean of the first `rsi_period` gains (and losses), then
    (mean * (period - 1) + gain) / period. 100 * gain / (gain + loss); 0 where nothing ever moved. TA-Lib before 0.8 says 0 as soon as
    both means together are below 1e-14, which a price of 0.00001 reaches after some hours without a move; since 0.8 it does not.
    The state is the sum while warming up, the smoothed mean after.
-#}
{% macro next_rsi_gain() -%}
    {{ next_wilder_mean('rsi_gain_state', 'greatest(bars.close_price - chain.close_price, 0e0)', var('rsi_period')) }}
{%- endmacro %}

{% macro next_rsi_loss() -%}
    {{ next_wilder_mean('rsi_loss_state', 'greatest(chain.close_price - bars.close_price, 0e0)', var('rsi_period')) }}
{%- endmacro %}

{% macro rsi() -%}
    case
        when chain.number <= {{ var('rsi_period') }} then null
        when chain.rsi_gain_state + chain.rsi_loss_state = 0 then 0e0
        else 100e0 * (chain.rsi_gain_state / (chain.rsi_gain_state + chain.rsi_loss_state))
    end
{%- endmacro %}

{#- Wilder's smoothing of something that takes two bars: it begins with bar 2. Operations in TA-Lib's order, so that digits agree. -#}
{% macro next_wilder_mean(state, value, period) -%}
    case
        when bars.number = 1 then 0e0
        when bars.number <= {{ period }} then chain.{{ state }} + {{ value }}
        when bars.number = {{ period + 1 }} then (chain.{{ state }} + {{ value }}) / {{ period }}e0
        else (chain.{{ state }} * {{ period - 1 }}e0 + {{ value }}) / {{ period }}e0
    end
{%- endmacro %}
