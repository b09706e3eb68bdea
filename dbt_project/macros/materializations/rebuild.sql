{#-
    Fill x__next and swap it in. With `keep` (config keep_history) it starts as a copy of the rows there are and the model's rows are
    merged into it under the same winner rule, so that what staging no longer holds is not lost.
-#}
{% macro keyed_rebuild(target, existing, sql, keep) %}
    {%- set next = beside(target, 'next') -%}
    {%- set columns = model['columns'].keys() | join(', ') -%}
    {%- do run_query(keyed_ddl(next)) -%}
    {%- if keep and existing is not none and existing.is_table -%}
        {%- set kept = columns_to_keep(next, existing) | join(', ') -%}
        {%- do run_query('insert into ' ~ next ~ ' (' ~ kept ~ ') select ' ~ kept ~ ' from ' ~ existing) -%}
        {%- do fill_batch(sql) -%}
        {%- call statement('main') -%} {{ keyed_upsert(next, batch_relation()) }} {%- endcall -%}
    {%- else -%}
        {%- call statement('main') -%} insert into {{ next }} ({{ columns }}) select {{ columns }} from ({{ sql }}) as q {%- endcall -%}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do commit() -%}
    {%- do run_query('analyze table ' ~ next) -%}  {#- else the new table has no statistics for minutes -#}
    {%- do swap_in(target, existing) -%}
    {#- Consumed after the swap: a crash in between applies the loads once more, which is harmless. The other order would lose them. -#}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do consume_loads() -%}
    {%- do commit() -%}
    {%- do keep_checksum(target, table_checksum()) -%}
{% endmacro %}

{#- One RENAME moves tables and views alike: readers see the old or the new one, never neither. -#}
{% macro swap_in(target, existing) %}
    {%- if existing is none -%}
        {%- do run_query('rename table ' ~ beside(target, 'next') ~ ' to ' ~ target) -%}
    {%- else -%}
        {%- do run_query('rename table ' ~ target ~ ' to ' ~ beside(target, 'prev') ~ ', ' ~ beside(target, 'next') ~ ' to ' ~ target) -%}
        {%- do run_query('drop ' ~ existing.type ~ ' if exists ' ~ beside(target, 'prev')) -%}
    {%- endif -%}
{% endmacro %}

{#- Drop what killed runs left behind; the writer's lock is held. -#}
{% macro sweep(target) %}
    {%- set name = target.identifier -%}
    {%- set left = run_query("select table_name, table_type from information_schema.tables where table_schema = '" ~ target.schema
        ~ "' and left(table_name, " ~ (name | length + 6) ~ ") in ('" ~ name ~ "__next', '" ~ name ~ "__prev')") -%}
    {%- for row in left.rows -%}
        {%- do run_query('drop ' ~ ('view' if row[1] == 'VIEW' else 'table') ~ ' if exists ' ~ target.schema ~ '.' ~ row[0]) -%}
    {%- endfor -%}
{% endmacro %}

{#-
    A name for this run's work beside the target, `x__next…` or `x__prev…`. Another one each run: a MariaDB that is killed while it creates a
    partitioned table keeps files of a table it no longer knows, and refuses that name from then on (error 1050).
-#}
{% macro beside(target, suffix) %}
    {{ return(target.incorporate(path={'identifier': target.identifier ~ '__' ~ suffix ~ run_started_at.strftime('%H%M%S%f')})) }}
{% endmacro %}
