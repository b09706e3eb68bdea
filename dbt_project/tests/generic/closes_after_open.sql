{% test closes_after_open(model, close_time='close_time', open_time='open_time') %}
select {{ open_time }}, {{ close_time }}
from {{ model }}
where {{ close_time }} <= {{ open_time }}
{% endtest %}
