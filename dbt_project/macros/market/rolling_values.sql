{#- What decides whether the row of a rolling window is another one; the other columns follow from these. -#}
{% macro rolling_values() %}
    {{ return(['as_of', 'open_price', 'last_price', 'high_price', 'low_price', 'volume', 'quote_volume', 'trade_count',
        'candle_count', 'is_final']) }}
{% endmacro %}

{#- Minutes of the same window only come; fewer than before means that some expired, and then what was summed up before stays. -#}
{% macro lost_nothing(new, old) -%}
    ({{ new }}.as_of <> {{ old }}.as_of or {{ new }}.candle_count >= {{ old }}.candle_count)
{%- endmacro %}
