{#-
    Pre-hook of market_stats_24h, in steps that each read one session table (MySQL can name one once per query):

    touched   = symbols whose 1m facts the pinned loads own, with the newest of these minutes and the symbol's last hour
    windows   = the 24 hours up to the newest minute of those that were touched inside of them: what a backfill brings of the past
                ends here, after one look-up a symbol
    edge      = the minutes, 59 at most, between the window's start and its first whole hour

    The last hour lies in the window as a whole, so 24 hours and the edge are all of it. Everything is looked up by its full key: a range
    taken from a joined row would read the symbol's whole history.
-#}
{% macro find_rolling_windows() %}
    {%- set facts, hourly = ref('fact_klines'), ref('hourly_klines') -%}
    {%- if execute -%}
        {%- set key = 'exchange varchar(32) not null, symbol varchar(50) not null' -%}
        {%- set window = ', as_of datetime(3) not null, window_start datetime(3) not null, is_final tinyint not null' -%}
        {%- for relation, columns in [
            (rolling_touched(), ', newest_touched datetime(3) not null, last_hour_start datetime(3) null, primary key (exchange, symbol)'),
            (rolling_windows(), window ~ ', last_hour_start datetime(3) not null, primary key (exchange, symbol)'),
            (rolling_edge(), window ~ ', part_start datetime(3) not null, open_price decimal(20,8) not null, high_price decimal(20,8) not null,'
                ~ ' low_price decimal(20,8) not null, close_price decimal(20,8) not null, volume decimal(30,8) not null,'
                ~ ' quote_volume decimal(30,8) not null, trade_count bigint not null, candle_count bigint not null,'
                ~ ' primary key (exchange, symbol, part_start)')
        ] -%}
            {%- do drop_temporary(relation) -%}
            {%- do run_query('create temporary table ' ~ relation ~ ' (' ~ key ~ columns ~ ') engine = InnoDB') -%}
        {%- endfor -%}
        {%- do run_query(touch_symbols(facts, hourly)) -%}
        {%- do run_query(open_windows(facts, hourly)) -%}
        {%- do run_query(fill_edges(facts)) -%}
    {%- endif -%}
{% endmacro %}

{#-
    A first build and a full refresh take every symbol there are hours for. The order names the whole key: by its last column alone MySQL
    reads and sorts all hours of the symbol.
-#}
{% macro touch_symbols(facts, hourly) %}
    insert into {{ rolling_touched() }} (exchange, symbol, newest_touched, last_hour_start)
    {%- if is_incremental() %}
    select
        touched.exchange,
        touched.symbol,
        touched.newest_touched,
        (
            select hours.hour_start from {{ hourly }} as hours force index (primary)
            where hours.exchange = touched.exchange and hours.symbol = touched.symbol
            order by hours.exchange desc, hours.symbol desc, hours.hour_start desc limit 1
        ) as last_hour_start
    from (
        select facts.exchange, facts.symbol, max(facts.open_time) as newest_touched
        from {{ pinned_loads() }} as pins
        straight_join {{ facts }} as facts force index (by_load) on facts.load_id = pins.load_id
        where facts.interval_code = '1m'
        group by facts.exchange, facts.symbol
    ) as touched
    {%- else %}
    select exchange, symbol, max(last_open_time) as newest_touched, max(hour_start) as last_hour_start
    from {{ hourly }}
    group by exchange, symbol
    {%- endif %}
{% endmacro %}

{#- Both ends come from the hour, not from the facts: what is summed up is what the hours hold. -#}
{% macro open_windows(facts, hourly) %}
    insert into {{ rolling_windows() }} (exchange, symbol, as_of, window_start, is_final, last_hour_start)
    select
        touched.exchange,
        touched.symbol,
        last_hour.last_open_time + interval 1 minute as as_of,
        last_hour.last_open_time + interval 1 minute - interval 24 hour as window_start,
        coalesce(newest.is_final, last_hour.is_final) as is_final,
        last_hour.hour_start
    from {{ rolling_touched() }} as touched
    straight_join {{ hourly }} as last_hour force index (primary)
        on last_hour.exchange = touched.exchange and last_hour.symbol = touched.symbol and last_hour.hour_start = touched.last_hour_start
    left join {{ facts }} as newest force index (primary)
        on newest.exchange = touched.exchange and newest.symbol = touched.symbol and newest.interval_code = '1m'
            and newest.open_time = last_hour.last_open_time
    where touched.newest_touched >= last_hour.last_open_time + interval 1 minute - interval 24 hour
{% endmacro %}

{% macro fill_edges(facts) %}
    insert into {{ rolling_edge() }}
    select
        windows.exchange, windows.symbol, windows.as_of, windows.window_start, windows.is_final, minutes.open_time,
        minutes.open_price, minutes.high_price, minutes.low_price, minutes.close_price,
        minutes.volume, minutes.quote_volume, minutes.trade_count, 1
    from {{ rolling_windows() }} as windows
    straight_join {{ steps(59) }} as steps
        on windows.window_start + interval steps.n minute < windows.last_hour_start - interval 23 hour
    straight_join {{ facts }} as minutes force index (primary)
        on minutes.exchange = windows.exchange and minutes.symbol = windows.symbol and minutes.interval_code = '1m'
            and minutes.open_time = windows.window_start + interval steps.n minute
{% endmacro %}

{% macro rolling_touched() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__touched') }}{% endmacro %}

{% macro rolling_windows() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__windows') }}{% endmacro %}

{% macro rolling_edge() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__edge') }}{% endmacro %}
