{#- The periods as one value. State in the rows was made with them: with others it may not be continued. -#}
{% macro periods_checksum() %}
    {%- set periods = [] -%}
    {%- for name in ['rsi_period', 'macd_fast_period', 'macd_slow_period', 'macd_signal_period', 'bollinger_period', 'bollinger_deviations',
        'atr_period', 'sma_periods', 'ema_periods'] -%}
        {%- do periods.append([name, var(name)]) -%}
    {%- endfor -%}
    {{ return(local_md5(tojson(periods))) }}
{% endmacro %}

{#- Periods with which the formulas say what they promise; anything else is refused before a table is touched. -#}
{% macro expect_sensible_periods() %}
    {%- set single = ['rsi_period', 'macd_fast_period', 'macd_slow_period', 'macd_signal_period', 'bollinger_period', 'atr_period'] -%}
    {%- for name in single + ['sma_periods', 'ema_periods'] -%}
        {%- set periods = [var(name)] if name in single else var(name) -%}
        {%- if name not in single and (periods is string or periods is not sequence or periods | unique | list | length != 3 or periods | length != 3) -%}
            {{ exceptions.raise_compiler_error('expected three different periods in the var ' ~ name ~ ', but got ' ~ periods) }}
        {%- endif -%}
        {%- for period in periods if period is not integer or period is boolean or period < 2 -%}
            {{ exceptions.raise_compiler_error('expected whole numbers of bars from 2 on in the var ' ~ name ~ ', but got ' ~ period) }}
        {%- endfor -%}
    {%- endfor -%}
    {%- if var('macd_fast_period') >= var('macd_slow_period') -%}
        {{ exceptions.raise_compiler_error('expected macd_fast_period to be smaller than macd_slow_period, but got '
            ~ var('macd_fast_period') ~ ' and ' ~ var('macd_slow_period')) }}
    {%- endif -%}
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
