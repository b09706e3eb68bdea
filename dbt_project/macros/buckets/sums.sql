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
    When a rebuilt bucket replaces the stored one: it differs, and nothing it was made of is missing now. Minutes vanish only by expiry, so
    a bucket with fewer of them, or one that begins later or ends earlier, knows less; one that a kept backfill brings back as a whole
    replaces it. With as many it stays final: when the symbol's last minutes have expired, nothing tells any more that it has passed.
    A bucket of a native candle alone has no minute, and no first one.
-#}
{% macro bucket_differs(more=[]) -%}
    {{ differs('new', 'old', bucket_values() + more) }} and {{ is_no_less() }}
{%- endmacro %}

{% macro is_no_less() -%}
    (
        (new.candle_count > old.candle_count or (new.candle_count = old.candle_count and new.is_final >= old.is_final))
        and coalesce(new.first_open_time <= old.first_open_time and new.last_open_time >= old.last_open_time, old.candle_count = 0)
    )
{%- endmacro %}
