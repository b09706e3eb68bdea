{#-
    Whether no row of the seed `quality_exceptions` excuses the violation. `row` has exchange and symbol (none: the violation has
    neither), `time` says when it lies; `*` in the seed stands for every exchange or symbol.
-#}
{% macro not_excepted(rule, row, time) -%}
    not exists (
        select 1
        from {{ ref('quality_exceptions') }} as excepted
        where
            excepted.rule = '{{ rule }}'
            and excepted.exchange in ('*'{{ ', ' ~ row ~ '.exchange' if row }})
            and excepted.symbol in ('*'{{ ', ' ~ row ~ '.symbol' if row }})
            and {{ time }} >= excepted.from_time
            and {{ time }} < excepted.to_time
    )
{%- endmacro %}
