{#-
    The loads this model has yet to consume, pinned in a session table before anything is read.

    `pending_loads` is a queue: what was selected is exactly what is taken off it, so a load that becomes visible late with a smaller
    id is neither skipped nor taken twice, and the cost does not grow with history. MySQL can name a temporary table once per query.
-#}
{% macro pin_loads() %}
    {%- if config.get('pins_loads') -%}
        {%- do drop_temporary(pinned_loads()) -%}
        {%- do run_query('create temporary table ' ~ pinned_loads() ~ ' (load_id bigint not null primary key) engine = InnoDB') -%}
        {%- do run_query('insert into ' ~ pinned_loads() ~ ' (load_id) select load_id from ' ~ raw_schema()
            ~ ".pending_loads where model = '" ~ this.identifier ~ "'") -%}
        {%- do commit() -%}
    {%- endif -%}
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
