{#- Joins from left to right, whatever the statistics say. A macro because the linter's grammar does not know the keyword. -#}
{% macro straight_join() -%} straight_join {%- endmacro %}

{#- Look rows up by this index, whatever the statistics say. -#}
{% macro force_index(name) -%} force index ({{ name }}) {%- endmacro %}

{#- A literal column of a view that sessions of any collation can compare (else error 1267). -#}
{% macro own_word(word) -%} '{{ word }}' collate utf8mb4_unicode_ci {%- endmacro %}
