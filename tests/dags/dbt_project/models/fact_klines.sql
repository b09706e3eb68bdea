{{ config(materialized='table', tags=['minute']) }} select 1 as n
