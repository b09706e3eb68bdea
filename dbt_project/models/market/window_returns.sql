{{ config(materialized='table', tags=['hourly'], unique_key=['window_name', 'exchange', 'symbol', 'open_time']) }}

{% for window in var('return_windows') %}
    {{ log_returns(window) }}
    {{ 'union all' if not loop.last }}
{% endfor %}
