with

ledger as (

    select * from {{ source('raw', 'kline_revisions') }}

),

facts as (

    select * from {{ ref('fact_klines') }}

),

-- of the sources that said the same lost values, the one the winner rule prefers
losses as (

    select ledger.*
    from ledger
    where
        not exists (
            select 1
            from {{ source('raw', 'kline_revisions') }} as preferred
            where
                {{ same_candle('preferred', 'ledger') }}
                and preferred.lost_fingerprint = ledger.lost_fingerprint
                and (preferred.lost_source like 'archive%', preferred.lost_captured_at, preferred.lost_source)
                > (ledger.lost_source like 'archive%', ledger.lost_captured_at, ledger.lost_source)
        )

)

select
    losses.exchange,
    losses.symbol,
    losses.interval_code,
    losses.open_time,
    losses.lost_source,
    losses.lost_fingerprint,
    {% for column in candle_values() + ['captured_at', 'load_id'] -%}
        losses.lost_{{ column }},
    {% endfor -%}
    {% for column in ['source'] + candle_values() + ['load_id'] -%}
        coalesce(facts.{{ column }}, losses.kept_{{ column }}) as kept_{{ column }},
    {% endfor -%}
    coalesce(facts.confirmed_at, losses.kept_captured_at) as kept_captured_at,
    losses.recorded_at,
    (facts.open_time is not null) as is_current
from losses
left join facts on {{ same_candle('losses', 'facts') }}
where
    facts.open_time is null
    or {{ differs('facts', 'losses', candle_values(), of_other='lost_') }}
