{{ config(materialized='table', tags=['hourly']) }} select n from {{ ref('fact_klines') }}
