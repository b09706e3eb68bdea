{#-
    The buckets a run has to build, in a session table: exchange, symbol, bucket_start, reached_at.

    touched     = buckets of the 1m facts the pinned loads own (by their index on load_id), and with `native` of facts of the interval itself
                + unfinished buckets of the same symbols that these have passed by now: a gap may hide the bucket's own last minute
    reached_at  = open time of the symbol's newest final 1m fact; null when it has none

    It is read before the minutes are: a load that commits in between adds minutes to a bucket that is not called final, never the
    other way round. A first build and a full refresh take every bucket there are facts for.
-#}
{% macro find_touched(interval, native=false) %}
    {%- set facts = ref('fact_klines') -%}
    {%- if execute -%}
        {%- set key = 'exchange varchar(32) not null, symbol varchar(50) not null' -%}
        {%- set owned = pinned_loads() ~ ' as pins straight_join ' ~ facts ~ ' as facts force index (by_load) on facts.load_id = pins.load_id'
            if is_incremental() else facts ~ ' as facts' -%}
        {%- do drop_temporary(reached_relation()) -%}
        {%- do drop_temporary(touched_buckets()) -%}
        {%- do run_query('create temporary table ' ~ reached_relation() ~ ' (' ~ key
            ~ ', reached_at datetime(3) null, primary key (exchange, symbol)) engine = InnoDB') -%}
        {%- do run_query('create temporary table ' ~ touched_buckets() ~ ' (' ~ key
            ~ ', bucket_start datetime(3) not null, reached_at datetime(3) null, primary key (exchange, symbol, bucket_start)) engine = InnoDB') -%}
        {%- do run_query('insert into ' ~ touched_buckets() ~ ' (exchange, symbol, bucket_start) select distinct facts.exchange, facts.symbol, '
            ~ bucket_start(interval, 'facts.open_time') ~ ' from ' ~ owned ~ " where facts.interval_code in ('1m'" ~ (", '" ~ interval ~ "'" if native) ~ ')') -%}
        {%- do run_query('insert into ' ~ reached_relation() ~ ' select series.exchange, series.symbol, ' ~ newest_final_open_time('series')
            ~ " from (select distinct exchange, symbol, '1m' as interval_code from " ~ touched_buckets() ~ ') as series') -%}
        {%- if is_incremental() -%}{%- do run_query(touch_unfinished(interval)) -%}{%- endif -%}
        {%- do run_query('update ' ~ touched_buckets() ~ ' as touched inner join ' ~ reached_relation() ~ ' as reached'
            ~ ' on reached.exchange = touched.exchange and reached.symbol = touched.symbol set touched.reached_at = reached.reached_at') -%}
    {%- endif -%}
{% endmacro %}

{% macro touch_unfinished(interval) %}
    {%- set column = bucket_of(interval).column %}
    insert ignore into {{ touched_buckets() }} (exchange, symbol, bucket_start)
    select built.exchange, built.symbol, built.{{ column }}
    from {{ reached_relation() }} as reached
    straight_join {{ this }} as built force index (unfinished)
        on built.is_final = 0 and built.exchange = reached.exchange and built.symbol = reached.symbol
    where {{ is_passed(interval, 'built.' ~ column, 'reached.reached_at') }}
{% endmacro %}

{% macro touched_buckets() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__touched') }}{% endmacro %}

{% macro reached_relation() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__reached') }}{% endmacro %}

{#-
    The numbers 0 to count - 1. Parts of a bucket are looked up one by one by their full key: a range taken from a joined row would
    read the symbol's whole history (seconds on MySQL, minutes on MariaDB).
-#}
{% macro steps(count) -%}
    ({% for n in range(count) %}select {{ n }} as n{{ ' union all ' if not loop.last }}{% endfor %})
{%- endmacro %}
