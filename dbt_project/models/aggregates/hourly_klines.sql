{{
    config(
        unique_key=['exchange', 'symbol', 'hour_start'],
        indexes={'unfinished': ['is_final', 'exchange', 'symbol']},
        pins_loads=true,
        feeds=['daily_klines', 'klines_4h', 'market_stats_24h'],
        keep_history=true,
        replace_when=bucket_differs(),
        pre_hook=[
            {'sql': "{{ ensure_progress() }}", 'transaction': false},
            {'sql': "{{ find_touched('1h') }}", 'transaction': false},
            "{{ mark_changed_bars('indicators_1h') }}"
        ],
        post_hook="{{ mark_all_bars('indicators_1h') }}"
    )
}}

{{ roll_up('1h', parts=ref('fact_klines')) }}
