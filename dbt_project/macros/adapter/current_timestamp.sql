{#- Every stamp is UTC, also where the server's zone is another: source freshness compares with this. -#}
{% macro mysql__current_timestamp() -%} utc_timestamp() {%- endmacro %}
