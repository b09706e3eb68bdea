{#- Rows of a fact table by the day of the load that owns them; the index on load_id answers it alone. Reads the CTE `loads`. -#}
{% macro rows_kept(data_type, facts, interval_code) -%}
    select
        loads.date,
        facts.exchange,
        facts.symbol,
        '{{ data_type }}' as data_type,
        {{ interval_code }} as interval_code,
        count(*) as rows_kept
    from loads
    {{ straight_join() }} {{ facts }} as facts {{ force_index('by_load') }} on loads.load_id = facts.load_id
    group by loads.date, facts.exchange, facts.symbol, {{ interval_code }}
{%- endmacro %}
