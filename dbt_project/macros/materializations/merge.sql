{#- Fill a temporary table outside the transaction (it may be slow), then change the target in one short transaction. -#}
{% macro keyed_merge(target, sql) %}
    {%- do fill_batch(sql) -%}
    {%- do commit() -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') -%} {{ keyed_upsert(target, batch_relation()) }} {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do consume_loads() -%}
    {%- do commit() -%}
{% endmacro %}

{% macro fill_batch(sql) %}
    {%- set columns = model['columns'].keys() | join(', ') -%}
    {%- do drop_temporary(batch_relation()) -%}
    {%- do run_query(keyed_ddl(batch_relation(), temporary=True)) -%}
    {%- do run_query('insert into ' ~ batch_relation() ~ ' (' ~ columns ~ ') select ' ~ columns ~ ' from (' ~ sql ~ ') as q') -%}
{% endmacro %}

{#- The rows about to be merged; for hooks. -#}
{% macro batch_relation() %}
    {{ return(this.incorporate(path={'identifier': this.identifier ~ '__batch'}, type='table')) }}
{% endmacro %}

{#-
    Insert what is new, replace where `replace_when` (SQL over new.* and old.*) holds.

    The winner is decided in the SELECT: ON DUPLICATE KEY UPDATE assigns from left to right and would see columns already replaced.
    `incoming` is a table: from a subquery MariaDB 10.11 takes the new rows and silently leaves every replaced one as it was.
    FORCE INDEX: after a bulk load MySQL plans on statistics that still say 0 rows and hash-joins the whole table.
-#}
{% macro keyed_upsert(target, incoming) %}
    {%- set key = keyed_primary_key() -%}
    {%- set columns = model['columns'].keys() | list -%}
    {%- set replace_when = config.get('replace_when') %}
    insert into {{ target }} ({{ columns | join(', ') }})
    select {% for column in columns %}new.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ incoming }} as new
    {%- if replace_when %}
    left join {{ target }} as old force index (primary)
        on {% for column in key %}old.{{ column }} = new.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    where old.{{ key[0] }} is null or ({{ replace_when }})
    {%- endif %}
    on duplicate key update
    {%- for column in columns if column not in key %} {{ target.identifier }}.{{ column }} = new.{{ column }}{{ ',' if not loop.last }}{% endfor %}
{% endmacro %}
