{#- RANGE partitions by month from the configured month to `partition_months_ahead` months from now, a floor and a ceiling. -#}
{% macro keyed_partitions() %}
    {%- set cut = config.get('partition_by') -%}
    {%- if cut -%}
        {%- set from = modules.datetime.datetime.strptime(cut['from'], '%Y-%m-%d') %}
        partition by range columns ({{ cut['column'] }}) (
            partition p_floor values less than ('{{ cut['from'] }}'),
            {{ month_partitions(from) }}
        )
    {%- endif -%}
{% endmacro %}

{#- The months from `from` on as partitions named after their month, then the ceiling. -#}
{% macro month_partitions(from) %}
    {%- set ns = namespace(at=from) -%}
    {%- set until = run_started_at.replace(tzinfo=none) + modules.datetime.timedelta(days=31 * var('partition_months_ahead')) -%}
    {%- for _ in range(2000) if ns.at < until -%}
        {%- set name = 'p' ~ ns.at.strftime('%Y%m') -%}
        {%- set ns.at = (ns.at.replace(day=1) + modules.datetime.timedelta(days=32)).replace(day=1) -%}
        partition {{ name }} values less than ('{{ ns.at.strftime('%Y-%m-%d') }}'),
    {% endfor -%}
    partition p_ceiling values less than (maxvalue)
{%- endmacro %}

{#-
    Give coming months their partitions by splitting the EMPTY ceiling of every partitioned table: `dbt run-operation ensure_partitions`.
    Hourly, as a step of its own: waiting for a reader must not stop the minute path. A ceiling with rows is left alone and reported.
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
        {%- if 'values less than (\'' in ahead -%}
            {%- do take_writer_lock(relation) -%}
            {%- if count_of('(select 1 from ' ~ relation ~ ' partition (p_ceiling) limit 1) as q') -%}
                {%- do log('WARNING: ' ~ relation ~ ' has rows in p_ceiling: expected none. Move or delete them, then run this again', info=True) -%}
            {%- else -%}
                {%- do commit() -%}
                {%- do run_query('alter table ' ~ relation ~ ' reorganize partition p_ceiling into (' ~ ahead ~ ')') -%}
                {%- do log('partitions of ' ~ relation ~ ' made ahead from ' ~ from.strftime('%Y-%m'), info=True) -%}
            {%- endif -%}
            {%- do release_writer_lock(relation) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
