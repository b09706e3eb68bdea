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

{#-
    When a rebuilt bucket replaces the stored one that native candles take part in. Minutes vanish only by expiry: what has fewer of them and
    says the same otherwise is no news. `first_open_time` is null where there is no minute, and then `candle_count` differs as well.
-#}
{% macro native_bucket_differs(more=[]) -%}
    {{ differs('new', 'old', bucket_values() + ['source'] + more) }} and (new.candle_count >= old.candle_count or {{ differs('new', 'old', candle_values() + ['source']) }})
{%- endmacro %}
