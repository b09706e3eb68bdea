{#-
    A higher candle from its parts: the SELECT of all five roll-ups (5m, 15m, 1h, 4h, 1d), for the buckets `find_touched` has found.

    Parts are minutes (facts) or hours (hourly_klines), looked up one by one by their full key. `native`: final candles of that interval in
    the facts win over what is rolled up, value by value; the counts stay those of the minutes, so a bucket only the exchange's own candle
    tells of has none. Without `native` a bucket is what our minutes say: that is what the reconciliation compares with the exchange.
-#}
{% macro roll_up(interval, parts, native=none) %}
    {%- set bucket = bucket_of(interval) -%}
    {%- set column = bucket.column -%}
    {%- set key = ['exchange', 'symbol', column] %}
with

parts as (

    select
        touched.exchange,
        touched.symbol,
        {% if column == 'date' %}cast(touched.bucket_start as date){% else %}touched.bucket_start{% endif %} as {{ column }},
        touched.reached_at,
        steps.n as place,
        {{ part_columns(bucket) | indent(8) }}
    from {{ touched_buckets() }} as touched
    {{ straight_join() }} {{ steps(bucket.minutes // bucket.part_minutes) }} as steps
    {{ 'left join' if native else straight_join() }} {{ parts }} as parts {{ force_index('primary') }}
        on
            touched.exchange = parts.exchange
            and touched.symbol = parts.symbol
            {% if bucket.part_minutes == 1 -%} and parts.interval_code = '1m' {%- endif %}
            and parts.{{ bucket.part_column }} = touched.bucket_start + interval (steps.n * {{ bucket.part_minutes }}) minute

),

rolled as (

    select
        {{ key | join(', ') }},
        {{ ohlc() | indent(8) }},
        {{ bucket_sums() | indent(8) }},
        {% if bucket.part_minutes > 1 %}count(close_time) as hour_count,{% endif %}
        cast(sum(candle_count) as signed) as candle_count,
        cast(sum(final_count) as signed) as final_count,
        min(first_open_time) as first_open_time,
        max(last_open_time) as last_open_time,
        max(close_time) as close_time,
        (min(is_final) = 1 and {{ is_passed(interval, column, 'max(reached_at)') }}) as is_final
    from parts
    group by {{ key | join(', ') }}

)

select
    {%- if native %}
    {% for name in key %}rolled.{{ name }}, {% endfor %}
    {%- for name in candle_values() + ['is_final'] %}
    coalesce(native.{{ name }}, rolled.{{ name }}) as {{ name }},
    {%- endfor %}
    coalesce(native.source, 'rollup') as source,
    {% if bucket.part_minutes > 1 %}rolled.hour_count,{% endif %}
    coalesce(rolled.candle_count, 0) as candle_count,
    coalesce(rolled.final_count, 0) as final_count,
    rolled.first_open_time,
    rolled.last_open_time,
    {%- else %}
    rolled.*,
    {%- endif %}
    utc_timestamp(3) as updated_at
from rolled
    {%- if native %}
left join {{ native }} as native {{ force_index('primary') }}
    on
        rolled.exchange = native.exchange
        and rolled.symbol = native.symbol
        and native.interval_code = '{{ interval }}'
        and rolled.{{ column }} = native.open_time
        and native.is_final = 1
where native.exchange is not null or rolled.candle_count > 0
    {%- endif %}
{% endmacro %}

{#- What a roll-up reads of its parts: a minute is one candle, an hour has counted its own. -#}
{% macro part_columns(bucket) %}
    {%- for name in candle_values() %}parts.{{ name }}, {% endfor %}
    {%- if bucket.part_minutes == 1 %}
        (parts.close_time is not null) as candle_count,
        parts.is_final as final_count,
        parts.open_time as first_open_time,
        parts.open_time as last_open_time,
    {%- else %}
        {% for name in ['candle_count', 'final_count', 'first_open_time', 'last_open_time'] %}parts.{{ name }}, {% endfor %}
    {%- endif %}
        parts.is_final
{%- endmacro %}
