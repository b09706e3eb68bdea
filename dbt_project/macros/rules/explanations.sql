{#- Each macro selects differing buckets (exchange, symbol, check_name, bucket_start) with the words that explain them; none invents any. -#}

{#-
    By a row of the gap ledger that overlaps the bucket, as in "archive_hole 2023-02-14 16:39 (1 minute)"; not while other minutes of the
    bucket are missing without a reason, for the difference may be theirs. What REST has and the archive has not is no gap any more: there
    a hole of the archive explains although the row is closed.
-#}
{% macro explained_by_gap(differing) -%}
    select
        differing.exchange,
        differing.symbol,
        differing.date,
        differing.check_name,
        differing.bucket_start,
        concat(
            gaps.reason, ' ', date_format(gaps.from_time, '%Y-%m-%d %H:%i'),
            ' (', gaps.minutes, case when gaps.minutes = 1 then ' minute)' else ' minutes)' end
        ) as explanation
    from {{ differing }} as differing
    inner join {{ source('raw', 'gap_ledger') }} as gaps
        on
            differing.exchange = gaps.exchange
            and differing.symbol = gaps.symbol
            and gaps.data_type = 'klines'
            and gaps.interval_code = '1m'
            and differing.bucket_end > gaps.from_time
            and differing.bucket_start < gaps.to_time
    where
        differing.may_lack_minutes = 1
        and (
            gaps.status = 'explained'
            or (gaps.status = 'closed' and gaps.reason = 'archive_hole' and differing.check_name = 'rest_vs_archive')
        )
        and not exists (
            select 1
            from {{ source('raw', 'gap_ledger') }} as others
            where
                others.exchange = differing.exchange
                and others.symbol = differing.symbol
                and others.data_type = 'klines'
                and others.interval_code = '1m'
                and others.status in ('open', 'unexplained')
                and others.from_time < differing.bucket_end
                and others.to_time > differing.bucket_start
        )
{%- endmacro %}

{#-
    By the archive's own file: REST has the minute, the published file of its day, checksum verified and loaded, has not, and nothing of the
    file that could be the minute is in quarantine.
-#}
{% macro explained_by_file(differing) -%}
    select
        differing.exchange,
        differing.symbol,
        differing.date,
        differing.check_name,
        differing.bucket_start,
        concat(
            'archive_hole ', date_format(differing.bucket_start, '%Y-%m-%d %H:%i'), ' (not in ', substring_index(files.path, '/', -1), ')'
        ) as explanation
    from {{ differing }} as differing
    {{ straight_join() }} {{ source('raw', 'archive_files') }} as files {{ force_index('primary') }}
        on
            differing.exchange = files.exchange
            and differing.symbol = files.symbol
            and files.interval_code = '1m'
            and (
                (files.granularity = 'daily' and files.period_start = differing.date)
                or (
                    files.granularity = 'monthly'
                    and files.period_start = differing.date - interval dayofmonth(differing.date) - 1 day
                )
            )
    where
        differing.check_name = 'rest_vs_archive'
        and files.state = 'loaded'
        and not exists (
            select 1
            from {{ source('raw', 'quarantined_rows') }} as refused
            where
                refused.object_id = files.object_id
                and refused.resolved_load_id is null
                and (
                    refused.open_time is null
                    or (refused.open_time >= differing.bucket_start and refused.open_time < differing.bucket_end)
                )
        )
{%- endmacro %}

{#-
    By minutes that were revised: what they lost, added up, is exactly what the exchange's candle has more, or less, than ours. Of a minute
    that was revised more than once the last one counts. Read are the revisions of differing buckets, not all there ever were.
-#}
{% macro explained_by_minutes(differing) -%}
    {%- set amounts = ['volume', 'quote_volume', 'trade_count', 'taker_buy_volume', 'taker_buy_quote_volume'] -%}
    select
        exchange,
        symbol,
        date,
        check_name,
        bucket_start,
        {{ revision_words('min(open_time)', 'min(kept_source)', 'min(lost_source)', 'count(*)') }} as explanation
    from (
        select
            differing.exchange,
            differing.symbol,
            differing.date,
            differing.check_name,
            differing.bucket_start,
            {%- for column in amounts %}
            lost.lost_{{ column }} - lost.kept_{{ column }} as lost_{{ column }},
            differing.their_{{ column }} - differing.our_{{ column }} as missing_{{ column }},
            {%- endfor %}
            lost.open_time,
            lost.kept_source,
            lost.lost_source,
            row_number() over (
                partition by differing.exchange, differing.symbol, differing.check_name, differing.bucket_start, lost.open_time
                order by lost.recorded_at desc, lost.lost_captured_at desc, lost.lost_fingerprint
            ) as place
        from {{ differing }} as differing
        {{ straight_join() }} {{ source('raw', 'kline_revisions') }} as lost {{ force_index('primary') }}
            on
                differing.exchange = lost.exchange
                and differing.symbol = lost.symbol
                and lost.interval_code = '1m'
                and differing.bucket_start <= lost.open_time
                and differing.bucket_end > lost.open_time
        where differing.check_name <> 'rest_vs_archive'
    ) as revised
    where place = 1
    group by exchange, symbol, date, check_name, bucket_start
    having
        {%- for column in amounts %}
        sum(lost_{{ column }}) = min(missing_{{ column }})
        {{- ' and' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{#- By the exchange's own candle, revised: the one it had before says what ours says. -#}
{% macro explained_by_candle(differing) -%}
    select
        differing.exchange,
        differing.symbol,
        differing.date,
        differing.check_name,
        differing.bucket_start,
        {{ revision_words('lost.open_time', 'lost.kept_source', 'lost.lost_source', '1') }} as explanation
    from {{ differing }} as differing
    inner join {{ source('raw', 'kline_revisions') }} as lost
        on
            differing.exchange = lost.exchange
            and differing.symbol = lost.symbol
            and differing.check_name = lost.interval_code
            and differing.bucket_start = lost.open_time
            {%- for column in compared_values() %}
            and differing.our_{{ column }} = lost.lost_{{ column }}
            {%- endfor %}
{%- endmacro %}

{#- Minutes that REST and the archive said differently: each is explained by the ledger that tells of it. -#}
{% macro revised_minutes(hours) -%}
    select
        hours.exchange,
        hours.symbol,
        hours.date,
        'rest_vs_archive' as check_name,
        lost.open_time as bucket_start,
        min({{ revision_words('lost.open_time', 'lost.kept_source', 'lost.lost_source', '1') }}) as explanation
    from {{ hours }} as hours
    inner join {{ source('raw', 'kline_revisions') }} as lost
        on
            hours.exchange = lost.exchange
            and hours.symbol = lost.symbol
            and lost.interval_code = '1m'
            and hours.hour_start <= lost.open_time
            and hours.hour_start + interval 1 hour > lost.open_time
            and (lost.lost_source = 'rest') <> (lost.kept_source = 'rest')
    group by hours.exchange, hours.symbol, hours.date, lost.open_time
{%- endmacro %}

{#- As in "revision 2024-06-01 10:03 (archive_daily instead of rest)". -#}
{% macro revision_words(open_time, kept_source, lost_source, minutes) -%}
    concat(
        'revision ', date_format({{ open_time }}, '%Y-%m-%d %H:%i'), ' (', {{ kept_source }}, ' instead of ', {{ lost_source }},
        case when {{ minutes }} = 1 then '' else concat(', ', {{ minutes }}, ' minutes') end, ')'
    )
{%- endmacro %}
