{#-
    The facts that break a rule: those that loads of the last `quality_hours` own, and those the rule has found before, as long as they
    break it. So the cost follows what is new, and a finding stays until it is corrected or excepted, however old it is.
    `condition` and `joins` are SQL over `facts`.
-#}
{% macro candles_that(condition, columns='facts.*', joins='') -%}
    select {{ columns }}
    from {{ source('raw', 'loads') }} as loads
    {{ straight_join() }} {{ ref('fact_klines') }} as facts {{ force_index('by_load') }} on loads.load_id = facts.load_id
    {{ joins }}
    where {{ is_recent_load('loads') }} and ({{ condition }})
    {%- if has_findings() %}
    union distinct
    select {{ columns }}
    from {{ this }} as found
    {{ straight_join() }} {{ ref('fact_klines') }} as facts {{ force_index('primary') }} on {{ same_candle('found', 'facts') }}
    {{ joins }}
    where {{ condition }}
    {%- endif -%}
{%- endmacro %}

{% macro is_recent_load(loads) -%}
    {{ loads }}.loaded_at >= utc_timestamp() - interval {{ var('quality_hours') }} hour
{%- endmacro %}

{#- Whether the rule was built before, so that its findings can be looked at again. -#}
{% macro has_findings() %}
    {%- set existing = load_cached_relation(this) if execute else none -%}
    {{ return(existing is not none and existing.is_table) }}
{% endmacro %}

{#- Best bid and ask of the books that were loaded within `quality_hours`, and of those the rule has found before; by their full keys. -#}
{% macro best_of_books() -%}
    {%- set books = ["select files.exchange, files.symbol, files.captured_at from " ~ source('raw', 'loads') ~ " as loads " ~ straight_join()
        ~ " " ~ source('raw', 'processed_files') ~ " as files " ~ force_index('by_load') ~ " on loads.load_id = files.load_id where "
        ~ is_recent_load('loads') ~ " and files.data_type = 'depth'"] -%}
    {%- if has_findings() -%}{%- do books.append('select exchange, symbol, captured_at from ' ~ this) -%}{%- endif -%}
    select
        books.exchange,
        books.symbol,
        books.captured_at,
        bids.last_update_id,
        bids.price as best_bid,
        asks.price as best_ask,
        bids.load_id
    from ({{ books | join(' union distinct ') }}) as books
    {%- for side in ['bid', 'ask'] %}
    {{ straight_join() }} {{ ref('fact_orderbook') }} as {{ side }}s {{ force_index('primary') }}
        on {{ side }}s.exchange = books.exchange and {{ side }}s.symbol = books.symbol and {{ side }}s.captured_at = books.captured_at
            and {{ side }}s.side = '{{ side }}' and {{ side }}s.level = 1
    {%- endfor %}
{%- endmacro %}

{#-
    pre-hook: what was found before goes in the transaction that writes what is found now. No table is swapped: on MySQL two renames at once
    of tables that one view reads (quality_summary) deadlock.
-#}
{% macro forget_findings() %}
    {%- if writes_in_place() %} delete from {{ this }} {% endif -%}
{% endmacro %}
