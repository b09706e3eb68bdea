{#- What stands for a contract's type in its comparison; CAST knows fewer type names than DDL. -#}
{% macro mysql__get_phony_data_for_type(data_type) %}
    {%- set type = data_type.lower() -%}
    {%- if type.endswith('unsigned') -%} cast(null as unsigned)
    {%- elif type.split('(')[0] in ('integer', 'int', 'tinyint', 'smallint', 'mediumint', 'bigint') -%} cast(null as signed)
    {%- elif type.endswith('text') or type.split('(')[0] in ('varchar', 'char') -%} cast('' as char)
    {%- else -%} cast(null as {{ data_type }})
    {%- endif -%}
{% endmacro %}
