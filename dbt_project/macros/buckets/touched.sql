{#-
    The buckets (hours or days) a run has to build, in a session table: exchange, symbol, bucket_start, reached_at.

    touched     = buckets of the 1m facts the pinned loads own (by their index on load_id)
                + unfinished buckets of the same symbols that these have passed by now: a gap may hide the bucket's own last minute
    reached_at  = open time of the symbol's newest final 1m fact; null when it has none

    It is read before the minutes are: a load that commits in between adds minutes to a bucket that is not called final, never the
    other way round. A first build and a full refresh take every bucket there are facts for.
-#}
{% macro find_touched(bucket) %}
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
            ~ bucket_start(bucket, 'facts.open_time') ~ ' from ' ~ owned ~ " where facts.interval_code = '1m'") -%}
        {%- do run_query('insert into ' ~ reached_relation() ~ ' select series.exchange, series.symbol, ' ~ newest_final_open_time('series')
            ~ " from (select distinct exchange, symbol, '1m' as interval_code from " ~ touched_buckets() ~ ') as series') -%}
        {%- if is_incremental() -%}{%- do run_query(touch_unfinished(bucket)) -%}{%- endif -%}
        {%- do run_query('update ' ~ touched_buckets() ~ ' as touched inner join ' ~ reached_relation() ~ ' as reached'
            ~ ' on reached.exchange = touched.exchange and reached.symbol = touched.symbol set touched.reached_at = reached.reached_at') -%}
    {%- endif -%}
{% endmacro %}

{% macro touch_unfinished(bucket) %}
    {%- set column = bucket_column(bucket) %}
    insert ignore into {{ touched_buckets() }} (exchange, symbol, bucket_start)
    select built.exchange, built.symbol, built.{{ column }}
    from {{ reached_relation() }} as reached
    straight_join {{ this }} as built force index (unfinished)
        on built.is_final = 0 and built.exchange = reached.exchange and built.symbol = reached.symbol
    where {{ is_passed(bucket, 'built.' ~ column, 'reached.reached_at') }}
{% endmacro %}

{#- Whether the last minute of a bucket, or a later one, is there and final; false also where no minute is final yet. -#}
{% macro is_passed(bucket, start, reached_at) -%}
    coalesce({{ start }} + interval 1 {{ bucket }} - interval 1 minute <= {{ reached_at }}, false)
{%- endmacro %}

{% macro touched_buckets() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__touched') }}{% endmacro %}

{% macro reached_relation() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__reached') }}{% endmacro %}

{#- The name of the column that holds a bucket's start: the original system's names. -#}
{% macro bucket_column(bucket) %}{{ return({'hour': 'hour_start', 'day': 'date'}[bucket]) }}{% endmacro %}

{% macro bucket_start(bucket, time) -%}
    {%- if bucket == 'hour' -%} cast(date({{ time }}) as datetime(3)) + interval hour({{ time }}) hour
    {%- else -%} cast(date({{ time }}) as datetime(3))
    {%- endif -%}
{%- endmacro %}

{#-
    The numbers 0 to count - 1. Parts of a bucket are looked up one by one by their full key: a range taken from a joined row would
    read the symbol's whole history (seconds on MySQL, minutes on MariaDB).
-#}
{% macro steps(count) -%}
    ({% for n in range(count) %}select {{ n }} as n{{ ' union all ' if not loop.last }}{% endfor %})
{%- endmacro %}
