{#-
    The winner rule: final beats in progress, checksum-verified archive beats the rest, newer capture beats older, then the higher load.
    Here and nowhere else; `winner_order` ranks inside a batch with it, `beats` compares an incoming row with the stored one. A stored
    row is as new as the newest capture that said the same (`confirmed_at`): what was captured before that is older knowledge.
-#}
{% macro winner_rank(row, seen_at) %}
    {{ return([row ~ '.is_final', '(' ~ row ~ ".source like 'archive%')", row ~ '.' ~ seen_at, row ~ '.load_id']) }}
{% endmacro %}

{% macro winner_order(row) -%}
    {{ winner_rank(row, 'captured_at') | join(' desc, ') }} desc
{%- endmacro %}

{% macro beats(challenger, holder) -%}
    (({{ winner_rank(challenger, 'confirmed_at') | join(', ') }}) > ({{ winner_rank(holder, 'confirmed_at') | join(', ') }}))
{%- endmacro %}

{#- Rows that differ in at least one of these columns (none of them nullable); `of_other` stands before the other's names. -#}
{% macro differs(one, other, columns, of_other='') -%}
    (
        {%- for column in columns %}{{ one }}.{{ column }} <> {{ other }}.{{ of_other }}{{ column }}{{ ' or ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}

{#- The same where columns may be null: null is the same as null, and another thing than a value. -#}
{% macro differs_or_null(one, other, columns) -%}
    (
        {%- for column in columns %}not ({{ one }}.{{ column }} <=> {{ other }}.{{ column }}){{ ' or ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}

{#- What makes a capture another one than the stored row: where none of these differs, nothing is replaced. -#}
{% macro capture_values() %}
    {{ return(candle_values() + ['is_final', 'source']) }}
{% endmacro %}

{#- What a candle says: the columns in which two captures of it can disagree. -#}
{% macro candle_values() %}
    {{ return(['open_price', 'high_price', 'low_price', 'close_price', 'volume', 'close_time',
        'quote_volume', 'trade_count', 'taker_buy_volume', 'taker_buy_quote_volume']) }}
{% endmacro %}
