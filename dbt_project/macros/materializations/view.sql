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
