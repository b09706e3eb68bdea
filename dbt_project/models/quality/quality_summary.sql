{{ config(materialized='view') }}

{#- Each rule with the severity of its test and the column that says when a violation lies. -#}
{% set rules = [
    ('impossible_ohlc', 'error', 'open_time'),
    ('future_candle', 'error', 'open_time'),
    ('off_grid_candle', 'error', 'open_time'),
    ('duplicate_key', 'warn', 'open_time'),
    ('unexplained_gap', 'warn', 'from_time'),
    ('stale_symbol', 'warn', 'stale_since'),
    ('unreconciled_day', 'warn', 'date'),
    ('price_jump', 'warn', 'open_time'),
    ('volume_without_trades', 'warn', 'open_time'),
    ('crossed_book', 'error', 'captured_at'),
    ('stale_book', 'warn', 'newest_captured_at'),
    ('never_final', 'warn', 'open_time'),
    ('quarantined_row', 'warn', 'quarantined_at'),
    ('refused_archive_file', 'warn', 'checked_at'),
    ('unconsumed_load', 'warn', 'loaded_at'),
    ('source_disagreement', 'warn', 'open_time'),
] %}

{% for rule, severity, time in rules %}
    select
        {{ own_word(rule) }} as rule_name,
        {{ own_word(severity) }} as severity,
        count(*) as violations,
        cast(max({{ time }}) as datetime(3)) as newest,
        {{ own_word('docs/quality/' ~ rule ~ '.md') }} as documentation
    from {{ ref('quality_' ~ rule) }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
