{#- The periods as one value. State in the rows was made with them: with others it may not be continued. -#}
{% macro periods_checksum() %}
    {%- set periods = [] -%}
    {%- for name in ['rsi_period', 'macd_fast_period', 'macd_slow_period', 'macd_signal_period', 'bollinger_period', 'bollinger_deviations',
        'atr_period', 'sma_periods', 'ema_periods'] -%}
        {%- do periods.append([name, var(name)]) -%}
    {%- endfor -%}
    {{ return(local_md5(tojson(periods))) }}
{% endmacro %}

{#- Bars before the first new one that windows still see. -#}
{% macro look_back() %}
    {{ return((var('sma_periods') + [var('bollinger_period')]) | max - 1) }}
{% endmacro %}

{#- What a row carries for the next one, besides its close and its number: column to column of `indicator_checkpoints`. -#}
{% macro indicator_states() %}
    {%- set states = {} -%}
    {%- for name in ['rsi_gain_state', 'rsi_loss_state', 'macd_fast_state', 'macd_slow_state', 'macd_signal_state', 'atr_state', 'obv'] -%}
        {%- do states.update({name: name}) -%}
    {%- endfor -%}
    {%- for period in var('ema_periods') -%}{%- do states.update({'ema_' ~ period ~ '_state': 'ema_state_' ~ loop.index}) -%}{%- endfor -%}
    {{ return(states) }}
{% endmacro %}

{#- Sums of the running UTC day, exact; not part of the recursion. -#}
{% macro day_states() %}{{ return(['day_volume_state', 'day_quote_volume_state']) }}{% endmacro %}
