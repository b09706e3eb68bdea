{#- A quality rule lists nothing. A finding warns; rules whose violation means that the pipeline broke its own promise say error. -#}
{% test no_violations(model) %}
{{ config(severity='warn') }}
select * from {{ model }}
{% endtest %}
