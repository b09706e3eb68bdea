{{ config(unique_key=['exchange', 'symbol', 'interval_code', 'open_time', 'lost_source', 'lost_fingerprint']) }}

with

revisions as (

    select * from {{ ref('kline_revisions') }}
    where
        recorded_at >= utc_timestamp() - interval {{ var('disagreement_days') }} day
        and lost_source <> kept_source

)

select
    exchange,
    symbol,
    interval_code,
    open_time,
    lost_source,
    lost_fingerprint,
    kept_source,
    lost_close_price,
    kept_close_price,
    lost_volume,
    kept_volume,
    lost_trade_count,
    kept_trade_count,
    lost_captured_at,
    kept_captured_at,
    recorded_at
from revisions
where {{ not_excepted('source_disagreement', 'revisions', 'revisions.open_time') }}
