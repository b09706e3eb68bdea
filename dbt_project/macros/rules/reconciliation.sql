{#- Every bucket of these days on either side, ours beside the exchange's own. A day is looked up as a date, else no index would serve. -#}
{% macro buckets_of_both(days, check_name, ours, time_column, hours) -%}
    {%- set start = 'days.date + interval (steps.n * ' ~ hours ~ ') hour' %}
    select
        days.exchange,
        days.symbol,
        days.date,
        '{{ check_name }}' as check_name,
        cast({{ start }} as datetime(3)) as bucket_start,
        cast({{ start }} + interval {{ hours }} hour as datetime(3)) as bucket_end,
        {%- for column in compared_values() %}
        ours.{{ column }} as our_{{ column }},
        theirs.{{ column }} as their_{{ column }},
        {%- endfor %}
        ours.symbol is not null as is_ours,
        theirs.symbol is not null as is_theirs,
        theirs.exchange_time
    from {{ days }} as days
    {{ straight_join() }} {{ steps(24 // hours) }} as steps
    left join {{ ours }} as ours {{ force_index('primary') }}
        on
            days.exchange = ours.exchange
            and days.symbol = ours.symbol
            and ours.{{ time_column }} = {{ 'days.date' if time_column == 'date' else start }}
    left join {{ ref('fact_klines') }} as theirs {{ force_index('primary') }}
        on
            days.exchange = theirs.exchange
            and days.symbol = theirs.symbol
            and theirs.interval_code = '{{ check_name }}'
            and theirs.open_time = {{ start }}
            and theirs.is_final = 1
    where ours.symbol is not null or theirs.symbol is not null
{%- endmacro %}

{#-
    The buckets of days that can be compared: the day was over, by the exchange's clock, when its own candles were captured; we have
    minutes of the day, or should have (hours alone, asked for without minutes, disagree with nothing); and all its minutes were asked for, not
    only those since somebody began to follow the symbol. Where nobody has counted yet, all were.
-#}
{% macro comparable(buckets) -%}
    select
        placed.*,
        {{ is_match() }} as is_match,
        {{ may_lack_minutes() }} as may_lack_minutes
    from (
        select
            buckets.*,
            max(exchange_time) over (partition by exchange, symbol, date, check_name) as captured_until,
            max(is_ours) over (partition by exchange, symbol, date, check_name) as has_ours
        from {{ buckets }} as buckets
    ) as placed
    left join {{ source('raw', 'coverage_counts') }} as counts
        on placed.exchange = counts.exchange and placed.symbol = counts.symbol and placed.date = counts.date
    left join {{ source('raw', 'tracked_symbols') }} as symbols
        on placed.exchange = symbols.exchange and placed.symbol = symbols.symbol
    where
        placed.captured_until >= placed.date + interval 1 day
        and (placed.has_ours = 1 or counts.expected_minutes > 0)
        and (counts.expected_minutes is null or {{ is_asked_wholly('placed.date', 'counts', 'symbols') }})
{%- endmacro %}

{#- Whether every minute of a day was asked for: of the day a symbol was listed, all since; of one that is delisted, whatever was. -#}
{% macro is_asked_wholly(date, counts, symbols) -%}
    (
        {{ counts }}.expected_minutes >= timestampdiff(
            minute, greatest({{ date }}, coalesce({{ symbols }}.first_open_time, {{ date }})), {{ date }} + interval 1 day
        )
        or {{ symbols }}.status = 'NOT_LISTED'
    )
{%- endmacro %}

{#- Whether both sides are there and say the same. -#}
{% macro is_match() -%}
    coalesce(
        is_ours = 1 and is_theirs = 1
        {%- for column in compared_values() %} and our_{{ column }} = their_{{ column }}{% endfor -%}
        , false
    )
{%- endmacro %}

{#-
    Whether missing minutes can be why a bucket differs: without them we have less than the exchange, never more. Prices of a bucket
    without trades say nothing: it is flat at a close from before.
-#}
{% macro may_lack_minutes() -%}
    (
        is_ours = 0 or is_theirs = 0 or (
            our_volume <= their_volume and our_quote_volume <= their_quote_volume and our_trade_count <= their_trade_count
            and our_taker_buy_volume <= their_taker_buy_volume and our_taker_buy_quote_volume <= their_taker_buy_quote_volume
            and (our_trade_count = 0 or (our_high_price <= their_high_price and our_low_price >= their_low_price))
        )
    )
{%- endmacro %}

{#- By hour, the minutes that REST said and those the archive said, as bits, of days of which the archive said any. -#}
{% macro hours_of_both(days) -%}
    select placed.*
    from (
        select
            days.date,
            heard.*,
            max(heard.archive_minutes) over (partition by heard.exchange, heard.symbol, days.date) as archive_minutes_of_day
        from {{ days }} as days
        {{ straight_join() }} {{ steps(24) }} as steps
        {{ straight_join() }} {{ ref('minutes_heard') }} as heard {{ force_index('primary') }}
            on
                days.exchange = heard.exchange
                and days.symbol = heard.symbol
                and heard.hour_start = days.date + interval steps.n hour
    ) as placed
    where placed.archive_minutes_of_day > 0
{%- endmacro %}

{#- The rows of both kinds that differ: buckets, and minutes of which only REST knows although the archive has the day. -#}
{% macro differing(buckets, hours) -%}
    select
        exchange,
        symbol,
        date,
        check_name,
        bucket_start,
        bucket_end,
        may_lack_minutes,
        {%- for column in compared_values() %}
        our_{{ column }},
        their_{{ column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ buckets }}
    where is_match = 0
    union all
    select
        exchange,
        symbol,
        date,
        'rest_vs_archive' as check_name,
        cast(hour_start + interval steps.n minute as datetime(3)) as bucket_start,
        cast(hour_start + interval steps.n + 1 minute as datetime(3)) as bucket_end,
        1 as may_lack_minutes,
        {%- for column in compared_values() %}
        null as our_{{ column }},
        null as their_{{ column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ hours }} as hours
    inner join {{ steps(60) }} as steps on (rest_minutes & ~archive_minutes) >> steps.n & 1 = 1
{%- endmacro %}
