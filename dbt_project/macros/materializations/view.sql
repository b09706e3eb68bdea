{#-
    Create a view, or replace it in place (atomic) when its definition changed; a table of that name is swapped for it in one rename.
    An unchanged view is left alone: replacing it waits for every session that has read it and keeps its transaction open.
-#}
{% macro keyed_view(sql) %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- do commit() -%}
    {%- do set_session() -%}
    {%- do sweep(target) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {%- if existing is not none and existing.is_view and not should_full_refresh() and view_checksum(sql) == kept_checksum(target) -%}
        {%- call statement('main') -%} select 'the definition is unchanged' as outcome {%- endcall -%}
    {%- else -%}
        {%- do get_assert_columns_equivalent(sql) -%}
        {%- do commit() -%}
        {%- if existing is not none and existing.is_table -%}
            {%- call statement('main') -%} create view {{ beside(target, 'next') }} as {{ sql }} {%- endcall -%}
            {%- do swap_in(target, existing) -%}
        {%- else -%}
            {%- call statement('main') -%} create or replace view {{ target }} as {{ sql }} {%- endcall -%}
        {%- endif -%}
        {%- do keep_checksum(target, view_checksum(sql)) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {%- do commit() -%}
    {{ return({'relations': [target]}) }}
{% endmacro %}

{#- Of the contract's columns as well: a view keeps the columns that `select *` had when it was created. -#}
{% macro view_checksum(sql) %}
    {{ return(local_md5(sql ~ tojson(model['columns'], sort_keys=true))) }}
{% endmacro %}

{#- Null when the view was not built by us, or by a run that was killed before it wrote the checksum: then it is built again. -#}
{% macro kept_checksum(view) %}
    {%- if load_cached_relation(view_definitions()) is none -%}{{ return(none) }}{%- endif -%}
    {%- set kept = run_query('select checksum from ' ~ view_definitions() ~ " where view_name = '" ~ view.identifier ~ "'").rows -%}
    {{ return(kept[0][0] if kept else none) }}
{% endmacro %}

{#- A table, because the servers rewrite the text of a view, without its comments, and have no other place for a mark on it. -#}
{% macro keep_checksum(view, checksum) %}
    {%- do run_query('create table if not exists ' ~ view_definitions() ~ ' (view_name varchar(64) not null primary key, checksum char(32) not null)'
        ~ ' engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci') -%}
    {%- do run_query('replace into ' ~ view_definitions() ~ " (view_name, checksum) values ('" ~ view.identifier ~ "', '" ~ checksum ~ "')") -%}
{% endmacro %}

{% macro view_definitions() %}
    {{ return(this.incorporate(path={'identifier': 'view_definitions'}, type='table')) }}
{% endmacro %}
