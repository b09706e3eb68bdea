{#- Overrides of dbt-mysql's own: see `keyed_build`, `build_in_rounds` and `keyed_view`. -#}
{% materialization table, adapter='mysql', supported_languages=['sql'] %}
    {{ return(keyed_build(sql, merge=False)) }}
{% endmaterialization %}

{% materialization incremental, adapter='mysql', supported_languages=['sql'] %}
    {{ return(build_in_rounds(sql) if config.get('in_rounds') else keyed_build(sql, merge=True)) }}
{% endmaterialization %}

{% materialization view, adapter='mysql', supported_languages=['sql'] %}
    {{ return(keyed_view(sql)) }}
{% endmaterialization %}
