{#- What is compared of a bucket. Not close_time: of an hour in which the exchange stopped, each interval has its own. -#}
{% macro compared_values() %}
    {{ return(candle_values() | reject('equalto', 'close_time') | list) }}
{% endmacro %}

{#-
    pre-hook: the days this run compares, in the table `touched_buckets()`: exchange, symbol, date. Not a session table, as MySQL can name
    one only once in a query; the writer's lock makes it ours, a post-hook drops it, and what a killed run left the next one replaces.

    = days of the candles in the pinned loads (as staged: one that lost, and changed nothing, is news as well)
    + days with a difference: what the ledgers say of it may have changed since. A day without one asks no ledger
-#}
{% macro find_days_to_compare() %}
    {%- if execute -%}
        {%- do forget_days_to_compare() -%}
        {%- do run_query('create table ' ~ touched_buckets() ~ ' (exchange varchar(32) not null, symbol varchar(50) not null,'
            ~ ' date date not null, primary key (exchange, symbol, date))'
            ~ ' engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci') -%}
        {%- set add = 'insert ignore into ' ~ touched_buckets() ~ ' (exchange, symbol, date) select distinct ' -%}
        {%- if is_incremental() -%}
            {%- do run_query(add ~ 'staged.exchange, staged.symbol, cast(staged.open_time as date) from ' ~ pinned_loads()
                ~ ' as pins straight_join ' ~ ref('stg_klines') ~ ' as staged on staged.load_id = pins.load_id'
                ~ " where staged.interval_code in ('1m', '1h', '1d')") -%}
            {%- do run_query(add ~ 'exchange, symbol, date from ' ~ this ~ ' where difference_count > 0') -%}
        {%- else -%}
            {%- do run_query(add ~ 'exchange, symbol, cast(open_time as date) from ' ~ ref('fact_klines')
                ~ " where interval_code in ('1h', '1d')") -%}
            {%- do run_query(add ~ 'exchange, symbol, cast(hour_start as date) from ' ~ ref('minutes_heard') ~ ' where archive_minutes > 0') -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro forget_days_to_compare() %}
    {%- if execute -%}{%- do run_query('drop table if exists ' ~ touched_buckets()) -%}{%- endif -%}
{% endmacro %}
