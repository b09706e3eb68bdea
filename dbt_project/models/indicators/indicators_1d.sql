{{
    config(
        unique_key=['exchange', 'symbol', 'open_time'],
        tags=['hourly'],
        in_rounds=true,
        bars={'model': 'daily_klines', 'time': 'date', 'open_time': 'cast(date as datetime(3))', 'filter': 'is_final = 1', 'seconds': 86400}
    )
}}

-- depends_on: {{ ref('daily_klines') }}

{{ indicators() }}
