{#- What adds up over the parts of a bucket. trade_count is cast back: SUM turns integers into decimals, which the contract refuses. -#}
{% macro bucket_sums() -%}
    sum(volume) as volume,
    sum(quote_volume) as quote_volume,
    cast(sum(trade_count) as signed) as trade_count,
    sum(taker_buy_volume) as taker_buy_volume,
    sum(taker_buy_quote_volume) as taker_buy_quote_volume
{%- endmacro %}

{#- The columns in which a rebuilt bucket can differ from the stored one; without a difference the row and its updated_at stay. -#}
{% macro bucket_values() %}
    {{ return(candle_values() + ['candle_count', 'final_count', 'first_open_time', 'last_open_time', 'is_final']) }}
{% endmacro %}
