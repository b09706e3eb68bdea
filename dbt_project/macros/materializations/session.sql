{#-
    Settings of this connection. They belong here because on-run-start reaches one thread's connection only.
    READ COMMITTED: under REPEATABLE READ an INSERT ... SELECT blocks the loader's newer rows (error 1205).
-#}
{% macro set_session() %}
    {%- do run_query('use ' ~ target.schema) -%}  {#- dbt connects without a schema; DELETE with an alias demands one -#}
    {%- do run_query('set session transaction isolation level read committed') -%}
    {%- do run_query("set session time_zone = '+00:00', lock_wait_timeout = " ~ var('ddl_wait_seconds')
        ~ ", innodb_lock_wait_timeout = " ~ var('row_wait_seconds')
        ~ ", sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'") -%}
{% endmacro %}

{% macro commit() %}
    {%- if execute -%}{%- do run_query('commit') -%}{%- endif -%}
{% endmacro %}

{% macro drop_temporary(relation) %}
    {%- do run_query('drop temporary table if exists ' ~ relation) -%}
{% endmacro %}

{% macro count_of(relation) %}
    {{ return(run_query('select count(*) as n from ' ~ relation).rows[0][0] | int) }}
{% endmacro %}
