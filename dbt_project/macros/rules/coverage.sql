{#-
    Whether a row of the gap ledger explains its minutes: a reason that says why, and evidence for it. `unknown` and `fetch_failed` never do
    (candlewick.market.GapReason.explains).
-#}
{% macro explains(gap) -%}
    ({{ gap }}.reason not in ('unknown', 'fetch_failed') and {{ gap }}.evidence is not null)
{%- endmacro %}

{#-
    Minutes outside of the symbol's life, or that retention has taken, are in the ledger, but nobody expects them. One that was asked for was
    expected: that its symbol was delisted by then came out only because nobody had it.
-#}
{% macro is_expected(gap) -%}
    ({{ gap }}.reason not in ('not_listed', 'delisted', 'retention_expired') or {{ gap }}.attempts > 0)
{%- endmacro %}

{#- The 1m gaps there are: a closed one is filled, or was split into others. -#}
{% macro is_minute_gap(gap) -%}
    ({{ gap }}.data_type = 'klines' and {{ gap }}.interval_code = '1m' and {{ gap }}.status <> 'closed')
{%- endmacro %}

{#-
    pre-hook: the days to write with their numbers, in a session table `counted_days()`.

    Those that were counted again, and those of gaps that changed, since the newest day that is here was counted, with three hours to spare;
    all of them on a first build. Then the gaps are cut per day: they drive it, so that it costs gaps and days, never minutes. The counts are
    read before the gaps: read after them, minutes that a detection finds filled in between would be both present and explained.
-#}
{% macro find_counted_days() %}
    {%- if execute -%}
        {%- set days, counts, gaps = counted_days(), source('raw', 'coverage_counts'), source('raw', 'gap_ledger') -%}
        {%- set since = '1970-01-01' -%}
        {%- if is_incremental() -%}
            {%- set newest = run_query('select max(counted_at) - interval 3 hour from ' ~ this).rows[0][0] -%}
            {%- set since = newest if newest is not none else since -%}
        {%- endif -%}
        {%- do drop_temporary(days) -%}
        {%- do run_query('create temporary table ' ~ days ~ ' (exchange varchar(32) not null, symbol varchar(50) not null, date date not null,'
            ~ ' expected_minutes int, present_minutes int, final_minutes int, counted_at datetime(3), explained_minutes bigint not null default 0, primary key (exchange, symbol, date)) engine = InnoDB') -%}
        {%- do run_query('insert into ' ~ days ~ ' (exchange, symbol, date) select exchange, symbol, date from ' ~ counts
            ~ " where counted_at >= '" ~ since ~ "'") -%}
        {%- if is_incremental() -%}
            {%- do run_query('insert ignore into ' ~ days ~ ' (exchange, symbol, date) select exchange, symbol, date from ('
                ~ gap_days(gaps, counts, "gaps.data_type = 'klines' and gaps.updated_at >= '" ~ since ~ "'") ~ ') as changed') -%}
        {%- endif -%}
        {%- do run_query('update ' ~ days ~ ' as days inner join ' ~ counts ~ ' as counts on days.exchange = counts.exchange'
            ~ ' and days.symbol = counts.symbol and days.date = counts.date set days.expected_minutes = counts.expected_minutes,'
            ~ ' days.present_minutes = counts.present_minutes, days.final_minutes = counts.final_minutes, days.counted_at = counts.counted_at') -%}
        {%- do run_query('update ' ~ days ~ ' as days inner join (select exchange, symbol, date, sum(minutes) as minutes from ('
            ~ gap_days(gaps, counts, is_minute_gap('gaps') ~ ' and ' ~ explains('gaps') ~ ' and ' ~ is_expected('gaps'))
            ~ ') as cut group by exchange, symbol, date) as explained on days.exchange = explained.exchange and days.symbol = explained.symbol'
            ~ ' and days.date = explained.date set days.explained_minutes = explained.minutes') -%}
    {%- endif -%}
{% endmacro %}

{#- post-hook: days nobody asks for any more lose their row. The rows are counted first, which is cheaper than to look for those. -#}
{% macro forget_uncounted_days() %}
    {%- set counts = source('raw', 'coverage_counts') -%}
    {%- if execute and writes_in_place() and count_of(this) != count_of(counts) -%}
        delete built from {{ this }} as built
        left join {{ counts }} as counts
            on counts.exchange = built.exchange and counts.symbol = built.symbol and counts.date = built.date
        where counts.exchange is null
    {%- endif -%}
{% endmacro %}

{#- Beside `this`, since the linter knows no relation. -#}
{% macro counted_days() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__counted') }}{% endmacro %}

{#-
    Gaps cut per day: exchange, symbol, date, minutes. The days of a short gap are counted off; those of a long one are the ones its symbol has counts for.
-#}
{% macro gap_days(gaps, counts, condition) -%}
    {%- set most_days = 8 -%}
    select exchange, symbol, date, {{ minutes_of_day('cut') }} as minutes
    from (
        select gaps.exchange, gaps.symbol, gaps.from_time, gaps.to_time, cast(gaps.from_time as date) + interval steps.n day as date
        from {{ gaps }} as gaps
        inner join {{ steps(most_days) }} as steps on steps.n <= datediff(gaps.to_time - interval 1 second, gaps.from_time)
        where {{ condition }} and datediff(gaps.to_time - interval 1 second, gaps.from_time) < {{ most_days }}
        union all
        select gaps.exchange, gaps.symbol, gaps.from_time, gaps.to_time, counts.date
        from {{ gaps }} as gaps
        inner join {{ counts }} as counts on counts.exchange = gaps.exchange and counts.symbol = gaps.symbol
            and counts.date between cast(gaps.from_time as date) and cast(gaps.to_time - interval 1 second as date)
        where {{ condition }} and datediff(gaps.to_time - interval 1 second, gaps.from_time) >= {{ most_days }}
    ) as cut
{%- endmacro %}

{% macro minutes_of_day(gap) -%}
    timestampdiff(
        minute,
        greatest({{ gap }}.from_time, cast({{ gap }}.date as datetime(3))),
        least({{ gap }}.to_time, cast({{ gap }}.date as datetime(3)) + interval 1 day)
    )
{%- endmacro %}
