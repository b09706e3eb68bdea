{#-
    On-balance volume, as TA-Lib's TA_OBV: begins with the first bar's volume, then adds a bar's volume when the close rose and takes it
    away when it fell. It is its own state.
-#}
{% macro next_obv() -%}
    case
        when bars.number = 1 then bars.volume
        when bars.close_price > chain.close_price then chain.obv + bars.volume
        when bars.close_price < chain.close_price then chain.obv - bars.volume
        else chain.obv
    end
{%- endmacro %}
