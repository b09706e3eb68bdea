{#-
    The buckets (hours or days) a run has to build, in a session table: exchange, symbol, bucket_start, seen_at.

    touched    = buckets of the 1m facts the pinned loads own (by their index on load_id)
               + unfinished buckets that are over by now: a market that stands still brings no new minute, yet its hour ends
    seen_at    = the exchange's clock at the newest capture that reached the bucket or beyond; null when none is known
    A first build and a full refresh take every bucket there are facts for.
-#}
{% macro find_touched(bucket) %}
    {%- set facts, staged = ref('fact_klines'), ref('stg_klines') -%}
    {%- if execute -%}
        {%- set start = bucket_start(bucket, 'facts.open_time') -%}
        {%- set key = 'exchange varchar(32) not null, symbol varchar(50) not null' -%}
        {%- do drop_temporary(seen_relation()) -%}
        {%- do drop_temporary(touched_buckets()) -%}
        {%- do run_query('create temporary table ' ~ seen_relation() ~ ' (' ~ key
            ~ ', reach datetime(3) not null, seen_at datetime(3) not null, primary key (exchange, symbol)) engine = InnoDB') -%}
        {%- do run_query('create temporary table ' ~ touched_buckets() ~ ' (' ~ key
            ~ ', bucket_start datetime(3) not null, seen_at datetime(3) null, primary key (exchange, symbol, bucket_start)) engine = InnoDB') -%}
        {%- do run_query('insert into ' ~ seen_relation() ~ ' select staged.exchange, staged.symbol, max(staged.open_time), max(staged.exchange_time) from '
            ~ pinned_loads() ~ ' as pins straight_join ' ~ staged ~ " as staged on staged.load_id = pins.load_id where staged.interval_code = '1m'"
            ~ ' group by staged.exchange, staged.symbol') -%}
        {%- set every_fact = facts ~ ' as facts' -%}
        {%- set their_facts = pinned_loads() ~ ' as pins straight_join ' ~ facts ~ ' as facts force index (by_load) on facts.load_id = pins.load_id' -%}
        {%- do run_query('insert into ' ~ touched_buckets() ~ ' (exchange, symbol, bucket_start) select distinct facts.exchange, facts.symbol, ' ~ start
            ~ ' from ' ~ (their_facts if is_incremental() else every_fact) ~ " where facts.interval_code = '1m'") -%}
        {%- if is_incremental() -%}{%- do run_query(touch_unfinished(bucket)) -%}{%- endif -%}
        {%- do run_query('update ' ~ touched_buckets() ~ ' as touched inner join ' ~ seen_relation() ~ ' as seen on seen.exchange = touched.exchange'
            ~ ' and seen.symbol = touched.symbol and touched.bucket_start <= seen.reach set touched.seen_at = seen.seen_at') -%}
    {%- endif -%}
{% endmacro %}

{% macro touch_unfinished(bucket) %}
    {%- set column = bucket_column(bucket) %}
    insert ignore into {{ touched_buckets() }} (exchange, symbol, bucket_start)
    select built.exchange, built.symbol, built.{{ column }}
    from {{ seen_relation() }} as seen
    straight_join {{ this }} as built force index (unfinished)
        on built.is_final = 0 and built.exchange = seen.exchange and built.symbol = seen.symbol
    where built.{{ column }} <= seen.reach and built.{{ column }} + interval 1 {{ bucket }} <= seen.seen_at
{% endmacro %}

{% macro touched_buckets() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__touched') }}{% endmacro %}

{% macro seen_relation() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__seen') }}{% endmacro %}

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
