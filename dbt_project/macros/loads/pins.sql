{#-
    The loads this model has yet to consume, pinned in a session table before anything is read.

    `pending_loads` is a queue: what was selected is exactly what is taken off it, so a load that becomes visible late with a smaller
    id is neither skipped nor taken twice, and the cost does not grow with history. MySQL can name a temporary table once per query.

    bounded: only loads of this run's lane (var `lane`), and of them the oldest up to `rows_per_run` staged rows, at least one load; the
    others wait for the next run. After weeks of pause everything at once would outlast the task and begin again for ever. The backfill lane
    goes on chunk by chunk within the run (`keyed_build`). A rebuild reads all of staging, so it pins everything, of every lane.
-#}
{% macro pin_loads(bounded) %}
    {%- if config.get('pins_loads') -%}
        {%- do drop_temporary(pinned_loads()) -%}
        {%- do run_query('create temporary table ' ~ pinned_loads() ~ ' (load_id bigint not null primary key) engine = InnoDB') -%}
        {%- do run_query('insert into ' ~ pinned_loads() ~ ' (load_id) select load_id from (' ~ queued_loads(bounded) ~ ') as queued'
            ~ (' where rows_before = 0 or rows_before + rows_staged <= ' ~ rows_at_once() if bounded)) -%}
        {%- do commit() -%}
    {%- endif -%}
{% endmacro %}

{#- This model's queue, of one lane or of all, with the rows that stand before each load in it. A load without a row is live. -#}
{% macro queued_loads(of_this_lane) %}
    select
        load_id,
        rows_staged,
        sum(rows_staged) over (order by load_id) - rows_staged as rows_before
    from (
        select pending.load_id, coalesce(loads.rows_staged, 0) as rows_staged
        from {{ raw_schema() }}.pending_loads as pending
        left join {{ raw_schema() }}.loads as loads on pending.load_id = loads.load_id
        where pending.model = '{{ this.identifier }}'
            {%- if of_this_lane and not config.get('every_lane') %} and coalesce(loads.lane, 'live') = '{{ var('lane') }}'{% endif %}
    ) as pending
{% endmacro %}

{#- Staged rows of one transaction. A backfill's are few: while they are written the live run waits for the table. -#}
{% macro rows_at_once() %}
    {{ return(var('backfill_rows_per_chunk') if is_backfill() else var('rows_per_run')) }}
{% endmacro %}

{% macro is_backfill() %}
    {{ return(var('lane') == 'backfill') }}
{% endmacro %}

{% macro pinned_loads() %}
    {{ return(this.schema ~ '.' ~ this.identifier ~ '__pins') }}
{% endmacro %}

{#- Take the pinned loads off the queue and hand them to the models this one feeds; in the caller's transaction. -#}
{% macro consume_loads() %}
    {%- if config.get('pins_loads') -%}
        {%- for fed in config.get('feeds', []) -%}
            {%- do run_query('insert ignore into ' ~ raw_schema() ~ ".pending_loads (model, load_id) select '" ~ fed ~ "', load_id from " ~ pinned_loads()) -%}
        {%- endfor -%}
        {%- do run_query('delete pending from ' ~ pinned_loads() ~ ' as pins straight_join ' ~ raw_schema()
            ~ ".pending_loads as pending on pending.model = '" ~ this.identifier ~ "' and pending.load_id = pins.load_id") -%}
    {%- endif -%}
{% endmacro %}

{% macro raw_schema() %}
    {{ return(env_var('CANDLEWICK_RAW_SCHEMA', 'candlewick_raw')) }}
{% endmacro %}
