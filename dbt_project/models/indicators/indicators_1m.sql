{{
    config(
        unique_key=['exchange', 'symbol', 'open_time'],
        partition_by={'column': 'open_time', 'from': '2017-07-01', 'days': true},
        tags=['minute'],
        pins_loads=true,
        in_rounds=true,
        bars={'model': 'fact_klines', 'time': 'open_time', 'filter': "interval_code = '1m' and is_final = 1", 'seconds': 60}
    )
}}

-- depends_on: {{ ref('fact_klines') }}

{{ indicators() }}
