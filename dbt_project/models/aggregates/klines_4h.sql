{{
    config(
        unique_key=['exchange', 'symbol', 'open_time'],
        indexes={'unfinished': ['is_final', 'exchange', 'symbol']},
        pins_loads=true,
        keep_history=true,
        replace_when=bucket_differs(['source', 'hour_count']),
        pre_hook={'sql': "{{ find_touched('4h', native=true) }}", 'transaction': false}
    )
}}

{{ roll_up('4h', parts=ref('hourly_klines'), native=ref('fact_klines')) }}
