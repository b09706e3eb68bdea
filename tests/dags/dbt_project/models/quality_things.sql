{{ config(materialized='table', tags=['hourly']) }} select n from {{ ref('daily_things') }}
