{#-
    The candles we roll up: their length, the column that holds a bucket's start, and what they are made from. Hours and days have the
    original system's names. All are cut from UTC midnight, as the exchange cuts them.
-#}
{% macro bucket_of(interval) %}
    {%- set of_minutes = {'part_minutes': 1, 'part_column': 'open_time'} -%}
    {%- set of_hours = {'part_minutes': 60, 'part_column': 'hour_start'} -%}
    {{ return({
        '5m': dict(of_minutes, minutes=5, column='open_time'),
        '15m': dict(of_minutes, minutes=15, column='open_time'),
        '1h': dict(of_minutes, minutes=60, column='hour_start'),
        '4h': dict(of_hours, minutes=240, column='open_time'),
        '1d': dict(of_hours, minutes=1440, column='date'),
    }[interval]) }}
{% endmacro %}

{#- The start of the bucket a moment lies in. -#}
{% macro bucket_start(interval, time) -%}
    {%- set minutes = bucket_of(interval).minutes -%}
    cast(date({{ time }}) as datetime(3))
    {%- if minutes < 1440 %} + interval ((hour({{ time }}) * 60 + minute({{ time }})) div {{ minutes }} * {{ minutes }}) minute{% endif %}
{%- endmacro %}

{#- Whether the last minute of a bucket, or a later one, is there and final; false also where no minute is final yet. -#}
{% macro is_passed(interval, start, reached_at) -%}
    coalesce({{ start }} + interval {{ bucket_of(interval).minutes - 1 }} minute <= {{ reached_at }}, false)
{%- endmacro %}
