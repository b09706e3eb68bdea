{#-
    Final candles that lose against a different final one are kept in the ledger `kline_revisions`, in the transaction that decides it.
    Its key holds the source and a fingerprint of the lost values: the same loss, read again, is kept once, with the newest capture that
    said it. What is asked of that stamp is that it does not depend on the order and the batches in which loads come: of a stored row it is
    confirmed_at, of a staged one captured_at, and the greatest of them all is the same whoever was first.
-#}

{#- pre-hook: stored candles about to be replaced (on a rebuild: that differ from the new table's). -#}
{% macro keep_replaced() %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set incoming = batch_relation() if writes_in_place() else beside(this, 'next') -%}
    {%- if existing is not none and existing.is_table -%}
        {{ insert_revisions(lost_at='confirmed_at') }}
        from {{ incoming }} as kept
        straight_join {{ this }} as lost force index (primary) on {{ same_candle('lost', 'kept') }}
        where lost.is_final = 1 and kept.is_final = 1 and {{ beats('kept', 'lost') }}
            and {{ differs('lost', 'kept', candle_values()) }}
        {{ newest_capture_of_the_loss() }}
    {%- endif -%}
{% endmacro %}

{#- post-hook: captured candles that are not what is stored now; losers inside the batch as well as against stored ones. -#}
{% macro keep_refused() %}
    {{ insert_revisions(lost_at='captured_at') }}
    from {{ pinned_loads() }} as pins
    straight_join {{ ref('stg_klines') }} as lost on lost.load_id = pins.load_id
    straight_join {{ this }} as kept force index (primary) on {{ same_candle('kept', 'lost') }}
    where lost.is_final = 1 and kept.is_final = 1 and {{ differs('lost', 'kept', candle_values()) }}
    {{ newest_capture_of_the_loss() }}
{% endmacro %}

{% macro insert_revisions(lost_at) %}
    {%- set carried = ['source'] + candle_values() + ['load_id'] %}
    insert into {{ raw_schema() }}.kline_revisions (
        exchange, symbol, interval_code, open_time, lost_fingerprint, recorded_at, lost_captured_at, kept_captured_at
        {%- for side in ['lost', 'kept'] %}{% for column in carried %}, {{ side }}_{{ column }}{% endfor %}{% endfor %}
    )
    select
        lost.exchange, lost.symbol, lost.interval_code, lost.open_time,
        left(sha2(concat_ws('|', lost.{{ candle_values() | join(', lost.') }}), 256), 32), utc_timestamp(3),
        lost.{{ lost_at }}, kept.confirmed_at
        {%- for side in ['lost', 'kept'] %}{% for column in carried %}, {{ side }}.{{ column }}{% endfor %}{% endfor %}
{% endmacro %}

{#- VALUES(): MariaDB has no alias for the new row, and columns of a view in the SELECT are not what it takes here. -#}
{% macro newest_capture_of_the_loss() -%}
    on duplicate key update lost_captured_at = greatest(kline_revisions.lost_captured_at, values(lost_captured_at))
{%- endmacro %}

{% macro same_candle(one, other) -%}
    {%- for column in ['exchange', 'symbol', 'interval_code', 'open_time'] -%}
        {{ one }}.{{ column }} = {{ other }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
