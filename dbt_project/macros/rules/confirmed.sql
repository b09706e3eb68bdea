{#-
    pre-hook: stored candles the batch says again are confirmed by its capture, so that an older object that is loaded late does not
    beat them. Only the stamp moves: the row keeps its load, so nothing downstream is built again.
-#}
{% macro confirm_stored() %}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.is_table -%}
        update {{ batch_relation() }} as said
        straight_join {{ this if writes_in_place() else beside(this, 'next') }} as held force index (primary)
            on {{ same_candle('held', 'said') }}
        set held.confirmed_at = said.confirmed_at
        where said.confirmed_at > held.confirmed_at and not {{ differs('said', 'held', capture_values()) }}
    {%- endif -%}
{% endmacro %}
