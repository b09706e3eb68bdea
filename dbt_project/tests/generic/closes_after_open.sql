{% test closes_after_open(model) %}
select open_time, close_time
from {{ model }}
where close_time <= open_time
{% endtest %}
