{#-
    One writer per table: a named lock in dbt's own session, so that it is freed with the session, however that ends.
    A killed dbt whose statement the server still runs keeps it until that statement ends.
-#}
{% macro take_writer_lock(relation) %}
    {%- set name = writer_lock(relation) -%}
    {%- do run_query('select release_all_locks()') -%}  {#- of a model that failed in this session before -#}
    {%- set got = run_query("select get_lock('" ~ name ~ "', " ~ var('writer_wait_seconds') ~ ") as got").rows[0][0] -%}
    {%- if got | int(0) != 1 -%}
        {{ exceptions.raise_database_error('expected the writer lock ' ~ name ~ ' within ' ~ var('writer_wait_seconds')
            ~ ' s, but another session writes this table; nothing was changed, run it again when that one is done') }}
    {%- endif -%}
{% endmacro %}

{#-
    A run that saw no table has compiled its first build. When another process has made the table while this one waited for the lock, that
    build would be too much: run again, it is a merge.
-#}
{% macro expect_still_missing(relation) %}
    {%- set found = run_query("select 1 from information_schema.tables where table_schema = '" ~ relation.schema
        ~ "' and table_name = '" ~ relation.identifier ~ "'").rows -%}
    {%- if found -%}
        {%- do release_writer_lock(relation) -%}
        {{ exceptions.raise_database_error('expected the writer lock ' ~ writer_lock(relation)
            ~ ' while there was no such table, but another process has built it meanwhile; nothing was changed, run it again') }}
    {%- endif -%}
{% endmacro %}

{% macro release_writer_lock(relation) %}
    {%- do run_query("select release_lock('" ~ writer_lock(relation) ~ "')") -%}
{% endmacro %}

{#- MySQL takes 64 characters; schema and table may have 64 each, so what is longer ends in its checksum. -#}
{% macro writer_lock(relation) %}
    {%- set name = relation.schema ~ '.' ~ relation.identifier -%}
    {{ return(name if name | length <= 64 else name[:31] ~ '-' ~ local_md5(name)) }}
{% endmacro %}
