{#- `smaller` is at most `larger`; both are columns or numbers. -#}
{% test counts_in_order(model, smaller, larger) %}
select {{ smaller }} as smaller_value, {{ larger }} as larger_value
from {{ model }}
where {{ smaller }} > {{ larger }}
{% endtest %}
