{#- A candle is final when it closed before the exchange's own clock at capture. -#}
{% macro is_final(close_time, exchange_time) -%}
    ({{ close_time }} < {{ exchange_time }})
{%- endmacro %}
