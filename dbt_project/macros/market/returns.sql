{#-
    The log returns of a window, one for each final bucket that follows directly after another final one, with the log of its range. The
    bucket before is looked up by its key: LAG takes twice as long, and would make a return across a missing bucket.
-#}
{% macro log_returns(window) -%}
    {%- set open_time = bucket_time(window.step_minutes) -%}
    select
        later.exchange,
        later.symbol,
        '{{ window.name }}' as window_name,
        {{ window.step_minutes }} as step_minutes,
        cast(later.{{ open_time }} as datetime(3)) as open_time,
        ln(later.close_price * 1e0 / earlier.close_price) as log_return,
        ln(later.high_price * 1e0 / later.low_price) as log_range
    from {{ buckets_of(window.step_minutes) }} as later force index (primary)
    straight_join {{ buckets_of(window.step_minutes) }} as earlier force index (primary)
        on later.exchange = earlier.exchange and later.symbol = earlier.symbol
            and earlier.{{ open_time }} = later.{{ open_time }} - interval {{ window.step_minutes }} minute
    where {{ in_return_window('later', window) }}
        and later.is_final = 1 and earlier.is_final = 1
        and least(earlier.close_price, later.close_price, later.low_price) > 0
{%- endmacro %}
