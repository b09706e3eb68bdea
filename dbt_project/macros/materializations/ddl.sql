{#- CREATE TABLE from the contract's columns and the configured key, indexes and partitions. -#}
{% macro keyed_ddl(relation, temporary=False) %}
    create {{ 'temporary ' if temporary }}table {{ relation }} (
        {%- for column in adapter.render_raw_columns_constraints(raw_columns=model['columns']) %}
        {{ column }},
        {%- endfor %}
        primary key ({{ keyed_primary_key() | join(', ') }})
        {%- if not temporary %}
        {%- for name, columns in config.get('indexes', {}).items() %},
        index {{ name }} ({{ columns | join(', ') }})
        {%- endfor %}
        {%- endif %}
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci
    {%- if not temporary %} {{ keyed_partitions() }}{% endif %}
{% endmacro %}

{#- Also the primary key; must contain the column partitions are cut by. -#}
{% macro keyed_primary_key() %}
    {%- set key = config.get('unique_key') -%}
    {%- if not key -%}
        {{ exceptions.raise_compiler_error(model.name ~ ': expected a unique_key in its config, it becomes the primary key') }}
    {%- endif -%}
    {{ return([key] if key is string else key) }}
{% endmacro %}
