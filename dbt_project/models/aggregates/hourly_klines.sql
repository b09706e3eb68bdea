{{
    config(
        unique_key=['exchange', 'symbol', 'hour_start'],
        indexes={'unfinished': ['is_final', 'exchange', 'symbol']},
        pins_loads=true,
        feeds=['daily_klines', 'klines_4h', 'market_stats_24h'],
        keep_history=true,
        replace_when=differs('new', 'old', bucket_values()),
        pre_hook={'sql': "{{ find_touched('1h') }}", 'transaction': false}
    )
}}

{{ roll_up('1h', parts=ref('fact_klines')) }}
