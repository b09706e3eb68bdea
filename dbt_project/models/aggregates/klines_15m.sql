{{
    config(
        unique_key=['exchange', 'symbol', 'open_time'],
        indexes={'unfinished': ['is_final', 'exchange', 'symbol']},
        pins_loads=true,
        keep_history=true,
        replace_when=bucket_differs(['source']),
        pre_hook={'sql': "{{ find_touched('15m', native=true) }}", 'transaction': false}
    )
}}

{{ roll_up('15m', parts=ref('fact_klines'), native=ref('fact_klines')) }}
