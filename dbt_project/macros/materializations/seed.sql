{#-
    Override of dbt's own, which truncates a seed before it fills it: a reader would see it empty, and a crash leave it so. Here x__next is
    filled and swapped in by one rename, and only when the file or its types changed. Config: `column_types` of every column, `unique_key`.
-#}
{% materialization seed, adapter='mysql' %}
    {%- set rows = load_agate_table() -%}
    {%- do store_result('agate_table', response='OK', agate_table=rows) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set checksum = local_md5(seed_ddl('x', rows) ~ tojson(seed_values(rows))) -%}
    {%- do commit() -%}
    {%- do set_session() -%}
    {%- do take_writer_lock(target) -%}
    {%- if existing is none -%}{%- do expect_still_missing(target) -%}{%- endif -%}
    {%- do sweep(target) -%}
    {%- if existing is not none and existing.is_table and not should_full_refresh() and kept_checksum(target) == checksum -%}
        {%- call statement('main') -%} select 'the seed is unchanged' as outcome {%- endcall -%}
    {%- else -%}
        {%- do run_query(seed_ddl(beside(target, 'next'), rows)) -%}
        {%- call statement('main') -%} {{ seed_insert(beside(target, 'next'), rows) }} {%- endcall -%}
        {%- do commit() -%}
        {%- do swap_in(target, existing) -%}
        {%- do keep_checksum(target, checksum) -%}
    {%- endif -%}
    {%- do commit() -%}
    {%- do release_writer_lock(target) -%}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro seed_ddl(relation, rows) %}
    create table {{ relation }} (
        {%- for column in rows.column_names %}
        {{ column }} {{ config.get('column_types')[column] }} not null,
        {%- endfor %}
        primary key ({{ keyed_primary_key() | join(', ') }})
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci
{% endmacro %}

{#- A seed is small and ours: values stand in the statement, quoted. A seed without rows inserts none. -#}
{% macro seed_insert(relation, rows) %}
    {%- if not rows.rows -%} select 'the seed has no row' as outcome
    {%- else -%}
    insert into {{ relation }} ({{ rows.column_names | join(', ') }}) values
    {%- for row in seed_values(rows) %}
        ({% for value in row %}{{ 'null' if value is none else dbt.string_literal(dbt.escape_single_quotes(value)) }}{{ ', ' if not loop.last }}{% endfor %})
        {{- ',' if not loop.last }}
    {%- endfor %}
    {%- endif -%}
{% endmacro %}

{#- Columns with a configured type arrive as text, empty ones as none. -#}
{% macro seed_values(rows) %}
    {%- set values = [] -%}
    {%- for row in rows.rows -%}{%- do values.append(row.values() | list) -%}{%- endfor -%}
    {{ return(values) }}
{% endmacro %}
