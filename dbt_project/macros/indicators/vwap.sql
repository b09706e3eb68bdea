{#-
    Volume-weighted average price since 00:00 UTC. TA-Lib has none; the exchange gives the quote volume of each bar, so that
    sum(quote volume) / sum(volume) is the mean price of all trades of the day and no bar's typical price stands for them. Null while the
    day has no volume. Both sums are decimals, and the row carries them. Reads the step `of_day` of macro `fill_windows`.
-#}
{% macro vwap() -%}
    (day_quote_volume_state + 0e0) / nullif(day_volume_state + 0e0, 0e0)
{%- endmacro %}

{#- The sum over this run's bars of the day. -#}
{% macro sum_of_new_bars(column) -%}
    sum(case when is_new = 1 then {{ column }} else 0 end) over day_so_far as new_{{ column }}
{%- endmacro %}

{#- The same with what the day had before them. -#}
{% macro sum_of_day(column, state) -%}
    cast(
        placed.new_{{ column }} + case when date(placed.open_time) = date(states.open_time) then states.{{ state }} else 0 end as decimal(38, 8)
    ) as {{ state }}
{%- endmacro %}
