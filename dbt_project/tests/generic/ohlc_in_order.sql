{#- A candle's low is above zero and the lowest, its high the highest of its four prices. -#}
{% test ohlc_in_order(model) %}
select open_price, high_price, low_price, close_price
from {{ model }}
where low_price <= 0 or low_price > least(open_price, close_price) or high_price < greatest(open_price, close_price)
{% endtest %}
