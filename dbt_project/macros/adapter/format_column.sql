{#- A contract compares the driver's wire types, which tell TINY from INTEGER: families are compared instead. -#}
{% macro mysql__format_column(column) -%}
    {%- set type = column.dtype | upper -%}
    {%- set family = 'INTEGER' if type in ('TINY', 'SHORT', 'LONG', 'INT24', 'LONGLONG', 'INTEGER', 'YEAR')
        else 'DECIMAL' if type in ('DECIMAL', 'NEWDECIMAL')
        else 'TEXT' if type in ('VARCHAR', 'VAR_STRING', 'STRING', 'TEXT', 'BLOB', 'TINY_BLOB', 'MEDIUM_BLOB', 'LONG_BLOB')
        else type -%}
    {{ return({'name': column.name, 'data_type': family, 'formatted': column.column | lower ~ ' ' ~ family}) }}
{%- endmacro %}
