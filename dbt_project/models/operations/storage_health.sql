with

samplings as (

    select
        cast(sampled_at as date) as date,
        max(sampled_at) as sampled_at
    from {{ source('raw', 'storage_samples') }}
    group by cast(sampled_at as date)

),

deletions as (

    {{ deletions_by_day(source('raw', 'lifecycle_events')) }}

),

things as (

    select
        samplings.date,
        samples.*,
        coalesce(deletions.object_count, 0) as deleted_objects,
        coalesce(deletions.row_count, 0) as deleted_rows,
        coalesce(deletions.byte_count, 0) as deleted_bytes
    from samplings
    inner join {{ source('raw', 'storage_samples') }} as samples on samplings.sampled_at = samples.sampled_at
    left join deletions
        on
            samplings.date = deletions.date
            and samples.store = deletions.store
            and {{ table_of('samples.store', 'samples.name') }} = deletions.table_name

),

sizes as (

    select
        date,
        sampled_at,
        store,
        name,
        object_count,
        row_count,
        byte_count,
        case when store = 'disk' then capacity_bytes end as full_at_bytes,
        oldest,
        newest,
        deleted_objects,
        deleted_rows,
        deleted_bytes
    from things
    union all
    {{ whole_stores('things') }}

),

earlier as (

    select
        sizes.date,
        sizes.store,
        sizes.name,
        min(before_it.date) as date_before
    from sizes
    inner join sizes as before_it
        on
            sizes.store = before_it.store
            and sizes.name = before_it.name
            and sizes.date > before_it.date
            and sizes.date <= before_it.date + interval 7 day
    group by sizes.date, sizes.store, sizes.name

),

growing as (

    select
        sizes.*,
        cast(
            (sizes.byte_count - before_it.byte_count)
            / (timestampdiff(second, before_it.sampled_at, sizes.sampled_at) / 86400) as signed
        ) as growth_bytes_per_day
    from sizes
    left join earlier
        on sizes.date = earlier.date and sizes.store = earlier.store and sizes.name = earlier.name
    left join sizes as before_it
        on earlier.date_before = before_it.date and sizes.store = before_it.store and sizes.name = before_it.name

)

select
    store,
    name,
    date,
    object_count,
    row_count,
    byte_count,
    growth_bytes_per_day,
    full_at_bytes,
    {{ days_until_full('byte_count', 'full_at_bytes', 'growth_bytes_per_day') }} as days_until_full,
    deleted_objects,
    deleted_rows,
    deleted_bytes,
    oldest,
    newest,
    sampled_at
from growing
