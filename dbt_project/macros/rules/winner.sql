{#-
    The winner rule: final beats in progress, checksum-verified archive beats the rest, newer capture beats older, then the higher load.
    Here and nowhere else; `winner_order` ranks inside a batch with it, `beats` compares an incoming row with the stored one.
-#}
{% macro winner_rank(row) %}
    {{ return([row ~ '.is_final', '(' ~ row ~ ".source like 'archive%')", row ~ '.captured_at', row ~ '.load_id']) }}
{% endmacro %}

{% macro winner_order(row) -%}
    {{ winner_rank(row) | join(' desc, ') }} desc
{%- endmacro %}

{% macro beats(challenger, holder) -%}
    (({{ winner_rank(challenger) | join(', ') }}) > ({{ winner_rank(holder) | join(', ') }}))
{%- endmacro %}

{#- Rows that differ in at least one of these columns (none of them nullable). -#}
{% macro differs(one, other, columns) -%}
    (
        {%- for column in columns %}{{ one }}.{{ column }} <> {{ other }}.{{ column }}{{ ' or ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}

{#- What a candle says: the columns in which two captures of it can disagree. -#}
{% macro candle_values() %}
    {{ return(['open_price', 'high_price', 'low_price', 'close_price', 'volume', 'close_time',
        'quote_volume', 'trade_count', 'taker_buy_volume', 'taker_buy_quote_volume']) }}
{% endmacro %}
