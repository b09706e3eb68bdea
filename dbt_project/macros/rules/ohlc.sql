{#-
    The exchange's own rule for a higher candle: open, high, low and close come from the parts that had trades (trade_count > 0);
    only if none had, the candle is flat at the previous close, which is what its first part closes at.

    Parts are minutes or hours; their column `place` is their number in the bucket. First and last are the least and greatest of place and
    price in one number: a price has 12 digits before its point, so place * 10^12 + price is exact and orders by place. One pass over the
    parts; ranking them by window functions takes MySQL four times as long.
-#}
{% macro ohlc() -%}
    {%- set flat = price_at('min', 'close_price', 'trade_count = 0') -%}
    coalesce({{ price_at('min', 'open_price', 'trade_count > 0') }}, {{ flat }}) as open_price,
    coalesce(max(case when trade_count > 0 then high_price end), {{ flat }}) as high_price,
    coalesce(min(case when trade_count > 0 then low_price end), {{ flat }}) as low_price,
    coalesce({{ price_at('max', 'close_price', 'trade_count > 0') }}, {{ flat }}) as close_price
{%- endmacro %}

{#- The price of the first (min) or the last (max) part for which the condition holds. -#}
{% macro price_at(end, price, condition) -%}
    cast(mod({{ end }}(case when {{ condition }} then place * 1000000000000 + {{ price }} end), 1000000000000) as decimal(20, 8))
{%- endmacro %}
