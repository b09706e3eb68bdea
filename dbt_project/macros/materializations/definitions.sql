{#-
    What each view and table was built from: `definitions` (name, checksum) beside the marts. A table, because the servers rewrite the text of
    a view, without its comments, and have no other place for a mark on it.
-#}

{#- Null when the relation was not built by us, or by a run that was killed before it wrote the checksum: then it is built again. -#}
{% macro kept_checksum(relation) %}
    {%- if load_cached_relation(definitions()) is none -%}{{ return(none) }}{%- endif -%}
    {%- set kept = run_query('select checksum from ' ~ definitions() ~ " where name = '" ~ relation.identifier ~ "'").rows -%}
    {{ return(kept[0][0] if kept else none) }}
{% endmacro %}

{#- Written only when it is another one, and committed at once: tables that are rebuilt each hour would wait for one another here. -#}
{% macro keep_checksum(relation, checksum) %}
    {%- if kept_checksum(relation) != checksum -%}
        {%- do commit() -%}
        {%- do run_query('create table if not exists ' ~ definitions() ~ ' (name varchar(64) not null primary key, checksum char(32) not null)'
            ~ ' engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci') -%}
        {%- do run_query('replace into ' ~ definitions() ~ " (name, checksum) values ('" ~ relation.identifier ~ "', '" ~ checksum ~ "')") -%}
    {%- endif -%}
    {%- do commit() -%}
{% endmacro %}

{#- Of the contract's columns as well: a view keeps the columns that `select *` had when it was created. -#}
{% macro view_checksum(sql) %}
    {{ return(local_md5(sql ~ tojson(model['columns'], sort_keys=true))) }}
{% endmacro %}

{#- What CREATE TABLE is made from; not the months that have partitions by now. Without some columns: what it was before it had them. -#}
{% macro table_checksum(without=[]) %}
    {%- set columns = {} -%}
    {%- for name, column in model['columns'].items() if name not in without -%}{%- do columns.update({name: column}) -%}{%- endfor -%}
    {%- set cut = {} -%}
    {#- Whether coming months are cut into days is no part of it: a table of months gets its days as they come. -#}
    {%- for key, value in (config.get('partition_by') or {}).items() if key != 'days' -%}{%- do cut.update({key: value}) -%}{%- endfor -%}
    {%- set parts = [adapter.render_raw_columns_constraints(raw_columns=columns), keyed_primary_key(),
        config.get('indexes', {}), cut] -%}
    {{ return(local_md5(tojson(parts, sort_keys=true))) }}
{% endmacro %}

{% macro definitions() %}
    {{ return(this.incorporate(path={'identifier': 'definitions'}, type='table')) }}
{% endmacro %}
