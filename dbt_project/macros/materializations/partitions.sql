{#-
    RANGE partitions by month from the configured month to `partition_months_ahead` months from now, a floor and a ceiling. With `days` in
    `partition_by` months that begin soon, and the present one, are cut by day: retention takes them away a day at a time.
-#}
{% macro keyed_partitions() %}
    {%- set cut = config.get('partition_by') -%}
    {%- if cut -%}
        {%- set from = modules.datetime.datetime.strptime(cut['from'], '%Y-%m-%d') %}
        partition by range columns ({{ cut['column'] }}) (
            partition p_floor values less than ('{{ cut['from'] }}'),
            {{ month_partitions(from, cut.get('days', false)) }}
        )
    {%- endif -%}
{% endmacro %}

{#- The months from `from` on as partitions named after their month, or after their days, then the ceiling. -#}
{% macro month_partitions(from, days=false) %}
    {%- set ns = namespace(at=from) -%}
    {%- set until = run_started_at.replace(tzinfo=none) + modules.datetime.timedelta(days=31 * var('partition_months_ahead')) -%}
    {%- for _ in range(2000) if ns.at < until -%}
        {%- set next = (ns.at.replace(day=1) + modules.datetime.timedelta(days=32)).replace(day=1) -%}
        {%- if days and next > run_started_at.replace(tzinfo=none) and ns.at <= cut_until() -%}
        {{ day_partitions(ns.at) }},
        {% else -%}
        partition p{{ ns.at.strftime('%Y%m') }} values less than ('{{ next.strftime('%Y-%m-%d') }}'),
        {% endif -%}
        {%- set ns.at = next -%}
    {% endfor -%}
    partition p_ceiling values less than (maxvalue)
{%- endmacro %}

{#- The days of a month from `from` on, named after their date. -#}
{% macro day_partitions(from) %}
    {%- set month = (from.replace(day=1) + modules.datetime.timedelta(days=32)).replace(day=1) -%}
    {%- for n in range((month - from).days) -%}
        {%- set day = from + modules.datetime.timedelta(days=n) -%}
        partition p{{ day.strftime('%Y%m%d') }} values less than ('{{ (day + modules.datetime.timedelta(days=1)).strftime('%Y-%m-%d') }}')
        {{- ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- Months that begin by then are cut into days. -#}
{% macro cut_until() %}
    {{ return(run_started_at.replace(tzinfo=none) + modules.datetime.timedelta(days=var('partition_days_ahead'))) }}
{% endmacro %}

{#-
    Give coming months their partitions by splitting the EMPTY ceiling of every partitioned table, and cut the EMPTY months that begin soon
    into days where a model wants it: `dbt run-operation ensure_partitions`. Hourly, as a step of its own: waiting for a reader must not
    stop the minute path. A ceiling or a month with rows is left alone and reported.
-#}
{% macro ensure_partitions() %}
    {%- do commit() -%}
    {%- do set_session() -%}
    {%- set tables = run_query("select table_name, max(cast(partition_description as char(64))) from information_schema.partitions where table_schema = '"
        ~ target.schema ~ "' and partition_description <> 'MAXVALUE' and partition_name is not null group by table_name") -%}
    {%- for name, highest in tables.rows if '__next' not in name and '__prev' not in name -%}
        {%- set relation = api.Relation.create(schema=target.schema, identifier=name, type='table') -%}
        {%- set from = modules.datetime.datetime.strptime((highest | replace("'", ''))[:10], '%Y-%m-%d') -%}
        {%- set ahead = month_partitions(from) -%}
        {%- if 'values less than (\'' in ahead -%}{%- do split_partition(relation, 'p_ceiling', ahead) -%}{%- endif -%}
        {%- if name in tables_by_day() -%}
            {%- for month in months_to_cut(name) -%}
                {%- do split_partition(relation, 'p' ~ month.strftime('%Y%m'), day_partitions(month)) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{#- Names of the models whose `partition_by` says `days`. -#}
{% macro tables_by_day() %}
    {%- set names = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and (node.config.get('partition_by') or {}).get('days') -%}
        {%- do names.append(node.name) -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{#- The first days of the coming months that begin within `partition_days_ahead` days and are one partition yet. -#}
{% macro months_to_cut(name) %}
    {%- set months = [] -%}
    {%- for row in run_query("select partition_name from information_schema.partitions where table_schema = '" ~ target.schema
        ~ "' and table_name = '" ~ name ~ "' and char_length(partition_name) = 7 order by partition_ordinal_position").rows -%}
        {%- set month = modules.datetime.datetime.strptime(row[0][1:], '%Y%m') if row[0][1:].isdigit() else none -%}
        {%- if month is not none and run_started_at.replace(tzinfo=none) < month and month <= cut_until() -%}{%- do months.append(month) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(months) }}
{% endmacro %}

{#- Split an empty partition; the writer waits meanwhile. -#}
{% macro split_partition(relation, name, into) %}
    {%- do take_writer_lock(relation) -%}
    {%- if count_of('(select 1 from ' ~ relation ~ ' partition (' ~ name ~ ') limit 1) as q') -%}
        {%- do log('WARNING: ' ~ relation ~ ' has rows in ' ~ name ~ ': expected none. Move or delete them, then run this again', info=True) -%}
    {%- else -%}
        {%- do commit() -%}
        {%- do run_query('alter table ' ~ relation ~ ' reorganize partition ' ~ name ~ ' into (' ~ into ~ ')') -%}
        {%- do log(name ~ ' of ' ~ relation ~ ' was split', info=True) -%}
    {%- endif -%}
    {%- do release_writer_lock(relation) -%}
{% endmacro %}
