{#- Rows in the catch-all partition: months ran out of partitions, or a row lies in the far future. -#}
{% test empty_ceiling(model) %}
select count(*) as rows_in_ceiling
from {{ model }} partition (p_ceiling)
having count(*) > 0
{% endtest %}
