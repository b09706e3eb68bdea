{#-
    Volume-weighted average price since 00:00 UTC. TA-Lib has none; the exchange gives the quote volume of each bar, so that
    sum(quote volume) / sum(volume) is the mean price of all trades of the day and no bar's typical price stands for them. Null while the
    day has no volume. Both sums are decimals, and the row carries them. Reads the step `placed` of macro `fill_windows`.
-#}
{% macro vwap() -%}
    (day_quote_volume_state + 0e0) / nullif(day_volume_state + 0e0, 0e0)
{%- endmacro %}

{#- The sum over this run's bars of the day, and what the day had before them. -#}
{% macro sum_of_day(column, state) -%}
    cast(
        sum(case when bars.is_new = 1 then bars.{{ column }} else 0 end) over (partition by bars.segment, date(bars.open_time) order by bars.number rows unbounded preceding)
        + case when date(bars.open_time) = date(states.open_time) then states.{{ state }} else 0 end as decimal(38, 8)
    ) as {{ state }}
{%- endmacro %}
