{#- What maintenance deleted, by UTC day, store and table; of buckets the table is empty. -#}
{% macro deletions_by_day(events) %}
    select
        cast(occurred_at as date) as date,
        store,
        {{ table_of('store', 'subject') }} as table_name,
        cast(sum(object_count) as signed) as object_count,
        cast(sum(row_count) as signed) as row_count,
        cast(sum(byte_count) as signed) as byte_count
    from {{ events }}
    where action in ('sources_deleted', 'expired', 'rows_deleted', 'pruned')
    group by cast(occurred_at as date), store, {{ table_of('store', 'subject') }}
{% endmacro %}

{#- Name of a table without its schema; empty for buckets and disks. -#}
{% macro table_of(store, name) -%}
    case when {{ store }} = 'warehouse' then substring_index({{ name }}, '.', -1) else '' end
{%- endmacro %}

{#- The sums over the warehouse's tables, and over the buckets of the lake: what the capacities are of. -#}
{% macro whole_stores(things) %}
    select
        date,
        sampled_at,
        whole as store,
        {{ own_word('(all)') }} as name,
        cast(sum(object_count) as signed) as object_count,
        cast(sum(row_count) as signed) as row_count,
        cast(sum(byte_count) as signed) as byte_count,
        max(capacity_bytes) as full_at_bytes,
        min(oldest) as oldest,
        max(newest) as newest,
        cast(sum(deleted_objects) as signed) as deleted_objects,
        cast(sum(deleted_rows) as signed) as deleted_rows,
        cast(sum(deleted_bytes) as signed) as deleted_bytes
    from (
        select
            parts.*,
            case when store = 'warehouse' then store else {{ own_word('lake') }} end as whole
        from {{ things }} as parts
        where store <> 'disk'
    ) as parts
    group by date, sampled_at, whole
{% endmacro %}

{#- Days until something is full if it grows on as it did; 0: it is full; null: it does not grow, or nobody said when it is full. -#}
{% macro days_until_full(size, full_at, growth) -%}
    case
        when {{ size }} >= {{ full_at }} then 0
        when {{ growth }} > 0 then cast(({{ full_at }} - {{ size }}) / {{ growth }} as signed)
    end
{%- endmacro %}
