{#-
    The query of an indicator table: the state each segment begins with, carried over its new bars one by one.

    chain   one row per bar: the state before it and the bar give the state after it. Only new bars enter, found by (segment, number)
    select  what the state says, beside the windows' results of the same bar

    Past the recursion limit MariaDB cuts off without an error: `build_in_rounds` sets the limit and counts what came.
-#}
{% macro indicators() %}
    with recursive

    chain as (

        select
            segment,
            number,
            close_price,
            {{ indicator_states().keys() | join(', ') }}
        from {{ segment_states() }}

        union all

        select
            bars.segment,
            bars.number,
            bars.close_price,
            {{ next_rsi_gain() }},
            {{ next_rsi_loss() }},
            {{ next_macd_fast() }},
            {{ next_macd_slow() }},
            {{ next_macd_signal() }},
            {{ next_atr() }},
            {{ next_obv() }}
            {%- for period in var('ema_periods') %},
            {{ next_ema(period) }}
            {%- endfor %}
        from chain
        straight_join {{ segment_bars() }} as bars force index (primary)
            on bars.segment = chain.segment and bars.number = chain.number + 1

    )

    select
        windows.exchange,
        windows.symbol,
        windows.open_time,
        windows.number as bar_number,
        windows.close_price,
        {{ rsi() }} as rsi,
        {{ macd() }} as macd,
        {{ macd_signal() }} as macd_signal,
        {{ macd_histogram() }} as macd_histogram,
        windows.bollinger_upper,
        windows.bollinger_middle,
        windows.bollinger_lower,
        {{ atr() }} as atr,
        {% for period in var('sma_periods') %}windows.sma_{{ period }}, {% endfor %}
        {% for period in var('ema_periods') %}{{ ema(period) }} as ema_{{ period }}, {% endfor %}
        chain.obv,
        windows.vwap,
        {%- for state in indicator_states() if state != 'obv' %}
        chain.{{ state }},
        {%- endfor %}
        windows.day_volume_state,
        windows.day_quote_volume_state
    from chain
    straight_join {{ segment_windows() }} as windows force index (primary)
        on windows.segment = chain.segment and windows.number = chain.number
{% endmacro %}
