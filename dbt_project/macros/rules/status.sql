{#- How many rows a ledger got within 24 hours, by these columns. -#}
{% macro rows_of_last_day(ledger, time, columns) -%}
    select {{ columns }}, count(*) as row_count
    from {{ ledger }}
    where {{ time }} >= utc_timestamp() - interval 24 hour
    group by {{ columns }}
{%- endmacro %}

{#- Open time of the newest final candle of a series: ORDER BY ... LIMIT 1 walks the key backwards, GROUP BY with MAX reads it all. -#}
{% macro newest_final_open_time(series) -%}
    (
        select facts.open_time
        from {{ ref('fact_klines') }} as facts
        where facts.exchange = {{ series }}.exchange and facts.symbol = {{ series }}.symbol
            and facts.interval_code = {{ series }}.interval_code and facts.is_final = 1
        order by facts.open_time desc
        limit 1
    )
{%- endmacro %}
