{#- How many rows a ledger got within 24 hours, by these columns. -#}
{% macro rows_of_last_day(ledger, time, columns) -%}
    select {{ columns }}, count(*) as row_count
    from {{ ledger }}
    where {{ time }} >= utc_timestamp() - interval 24 hour
    group by {{ columns }}
{%- endmacro %}

{#- The newest request of each series within the last hour, if there was one. -#}
{% macro newest_outcomes(ledger) -%}
    select ranked.*
    from (
        select
            outcomes.*,
            row_number() over (partition by exchange, symbol, data_type, interval_code order by outcome_id desc) as place
        from {{ ledger }} as outcomes
        where captured_at >= utc_timestamp() - interval 1 hour
    ) as ranked
    where ranked.place = 1
{%- endmacro %}

{#- The series of these symbols that at least one of the CTEs knows; a symbol that none knows has a row without series. -#}
{% macro known_series(symbols, ledgers) -%}
    select
        symbols.exchange,
        symbols.symbol,
        symbols.status as symbol_status,
        known.data_type,
        known.interval_code
    from {{ symbols }} as symbols
    left join (
        {%- for ledger in ledgers %}
        select
            exchange,
            symbol,
            data_type,
            interval_code
        from {{ ledger }}
        {{ 'union distinct' if not loop.last }}
        {%- endfor %}
    ) as known using (exchange, symbol)
{%- endmacro %}

{#-
    Open time of the newest final candle of a series: ORDER BY ... LIMIT 1 walks the key backwards, GROUP BY with MAX reads it all. So does
    ORDER BY open_time alone on MySQL, which then sorts the series' whole history: the order names all columns of the key.
-#}
{% macro newest_final_open_time(series) -%}
    (
        select facts.open_time
        from {{ ref('fact_klines') }} as facts
        where facts.exchange = {{ series }}.exchange and facts.symbol = {{ series }}.symbol
            and facts.interval_code = {{ series }}.interval_code and facts.is_final = 1
        order by facts.exchange desc, facts.symbol desc, facts.interval_code desc, facts.open_time desc
        limit 1
    )
{%- endmacro %}

{#- Length of a candle by its interval's code (15m, 4h, 1d); 0 for a series without candles. -#}
{% macro interval_seconds(code) -%}
    case right({{ code }}, 1)
        when 'm' then 60 when 'h' then 3600 when 'd' then 86400 else 0
    end * cast(concat('0', left({{ code }}, greatest(char_length({{ code }}) - 1, 0))) as signed)
{%- endmacro %}
