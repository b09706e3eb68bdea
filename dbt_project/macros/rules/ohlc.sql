{#-
    The exchange's own rule for a higher candle: open, high, low and close come from the parts that had trades (trade_count > 0);
    only if none had, the candle is flat at the previous close, which is what its first part closes at.

    `ohlc_places` ranks the parts of a bucket from both ends, parts with trades first; `ohlc` folds them. Parts are minutes or hours.
-#}
{% macro ohlc_places(bucket, time) -%}
    row_number() over (partition by {{ bucket }} order by (trade_count = 0), {{ time }}) as place_from_start,
    row_number() over (partition by {{ bucket }} order by (trade_count = 0), {{ time }} desc) as place_from_end
{%- endmacro %}

{% macro ohlc() -%}
    {%- set flat = 'max(case when place_from_start = 1 then close_price end)' -%}
    coalesce(max(case when place_from_start = 1 and trade_count > 0 then open_price end), {{ flat }}) as open_price,
    coalesce(max(case when trade_count > 0 then high_price end), {{ flat }}) as high_price,
    coalesce(min(case when trade_count > 0 then low_price end), {{ flat }}) as low_price,
    coalesce(max(case when place_from_end = 1 and trade_count > 0 then close_price end), {{ flat }}) as close_price
{%- endmacro %}
