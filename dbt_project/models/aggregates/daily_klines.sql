{{
    config(
        unique_key=['exchange', 'symbol', 'date'],
        indexes={'unfinished': ['is_final', 'exchange', 'symbol']},
        pins_loads=true,
        feeds=['minutes_heard'],
        keep_history=true,
        replace_when=bucket_differs(['hour_count']),
        pre_hook=[
            {'sql': "{{ ensure_progress() }}", 'transaction': false},
            {'sql': "{{ find_touched('1d') }}", 'transaction': false},
            "{{ mark_changed_bars('indicators_1d') }}"
        ],
        post_hook="{{ mark_all_bars('indicators_1d') }}"
    )
}}

-- depends_on: {{ ref('fact_klines') }}

{{ roll_up('1d', parts=ref('hourly_klines')) }}
