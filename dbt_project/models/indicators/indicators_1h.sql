{{
    config(
        unique_key=['exchange', 'symbol', 'open_time'],
        tags=['hourly'],
        in_rounds=true,
        bars={'model': 'hourly_klines', 'time': 'hour_start', 'filter': 'is_final = 1', 'seconds': 3600}
    )
}}

-- depends_on: {{ ref('hourly_klines') }}

{{ indicators() }}
