{#-
    What a book's levels add up to, for `levels` joined with the best prices of their book (`tops`). Null where a side has no level.
    A level at exactly n basis points counts: |price − mid| ≤ mid · n / 10000, as whole decimals without a division.
-#}
{% macro book_sums() -%}
    max(case when levels.side = 'bid' and levels.price = tops.best_bid_price then levels.quantity end) as best_bid_quantity,
    max(case when levels.side = 'ask' and levels.price = tops.best_ask_price then levels.quantity end) as best_ask_quantity,
    sum(case when levels.side = 'bid' then levels.quantity end) as bid_quantity,
    sum(case when levels.side = 'ask' then levels.quantity end) as ask_quantity,
    min(case when levels.side = 'bid' then levels.price end) as lowest_bid_price,
    max(case when levels.side = 'ask' then levels.price end) as highest_ask_price,
    {%- for n in depth_basis_points() %}
    sum(
        case
            when tops.best_bid_price is null or tops.best_ask_price is null then null
            when levels.side = 'bid' and 20000 * levels.price >= {{ 10000 - n }} * (tops.best_bid_price + tops.best_ask_price)
                then levels.price * levels.quantity
            else 0
        end
    ) as bid_depth_{{ n }}bp,
    sum(
        case
            when tops.best_bid_price is null or tops.best_ask_price is null then null
            when levels.side = 'ask' and 20000 * levels.price <= {{ 10000 + n }} * (tops.best_bid_price + tops.best_ask_price)
                then levels.price * levels.quantity
            else 0
        end
    ) as ask_depth_{{ n }}bp,
    {%- endfor %}
    cast(sum(levels.side = 'bid') as signed) as bid_levels,
    cast(sum(levels.side = 'ask') as signed) as ask_levels,
    max(levels.last_update_id) as last_update_id
{%- endmacro %}

{% macro book_depth_columns() %}
    {%- set columns = [] -%}
    {%- for n in depth_basis_points() -%}{%- do columns.extend(['bid_depth_' ~ n ~ 'bp', 'ask_depth_' ~ n ~ 'bp']) -%}{%- endfor -%}
    {{ return(columns) }}
{% endmacro %}

{% macro book_depths() -%} {{ book_depth_columns() | join(', ') }} {%- endmacro %}

{#- The contract has columns for three distances, whose names it takes from the var. -#}
{% macro depth_basis_points() %}
    {%- set distances = var('depth_basis_points') -%}
    {%- if distances | length != 3 or distances | unique | list | length != 3 or distances | reject('integer') | list or distances | min < 1 -%}
        {{ exceptions.raise_compiler_error('expected three different whole numbers above zero in var depth_basis_points, got ' ~ distances
            ~ ': orderbook_metrics has columns for three distances') }}
    {%- endif -%}
    {{ return(distances) }}
{% endmacro %}

{#- What decides whether the row of a book is another one; the other columns follow from these. -#}
{% macro book_values() %}
    {{ return(['best_bid_price', 'best_bid_quantity', 'best_ask_price', 'best_ask_quantity', 'book_imbalance'] + book_depth_columns()
        + ['reaches_bid_basis_points', 'reaches_ask_basis_points', 'bid_levels', 'ask_levels', 'last_update_id']) }}
{% endmacro %}
