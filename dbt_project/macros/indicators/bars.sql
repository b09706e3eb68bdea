{#-
    Session tables of a round. A segment is a run of bars of one symbol that goes on from one state.

    __states    a row per segment: number, close and state of the bar before its first new one (all 0 when there is none)
    __bars      its new bars, numbered on, and those before them that windows still see (is_new = 0)
    __windows   a row per new bar: what sliding windows and the day's sums give
-#}
{% macro segment_states() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__states') }}{% endmacro %}

{% macro segment_bars() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__bars') }}{% endmacro %}

{% macro segment_windows() %}{{ return(this.schema ~ '.' ~ this.identifier ~ '__windows') }}{% endmacro %}

{% macro create_segment_tables() %}
    {%- set doubles = indicator_states().keys() | join(' double not null, ') ~ ' double not null' -%}
    {%- set results = ['bollinger_upper', 'bollinger_middle', 'bollinger_lower', 'vwap'] -%}
    {%- for period in var('sma_periods') -%}{%- do results.append('sma_' ~ period) -%}{%- endfor -%}
    {%- set day = day_states() | join(' decimal(38,8) not null, ') ~ ' decimal(38,8) not null' -%}
    {%- set columns = {
        segment_states(): 'segment int not null primary key, exchange varchar(32) not null, symbol varchar(50) not null,'
            ~ ' open_time datetime(3) null, number int not null, close_price double not null, '
            ~ doubles ~ ', ' ~ day,
        segment_bars(): 'segment int not null, number int not null, open_time datetime(3) not null, high_price double not null,'
            ~ ' low_price double not null, close_price double not null, volume double not null, exact_close decimal(20,8) not null,'
            ~ ' exact_volume decimal(30,8) not null, quote_volume decimal(30,8) not null, is_new tinyint not null, primary key (segment, number)',
        segment_windows(): 'segment int not null, number int not null, exchange varchar(32) not null, symbol varchar(50) not null,'
            ~ ' open_time datetime(3) not null, close_price decimal(20,8) not null, ' ~ results | join(' double null, ') ~ ' double null, '
            ~ day ~ ', primary key (segment, number)',
    } -%}
    {%- for table, definition in columns.items() -%}
        {%- do drop_temporary(table) -%}
        {%- do run_query('create temporary table ' ~ table ~ ' (' ~ definition
            ~ ') engine = InnoDB default character set utf8mb4 collate utf8mb4_unicode_ci') -%}
    {%- endfor -%}
{% endmacro %}

{#-
    The bars of all segments, numbered on from their states: up to `limit` new ones each and, before them, `look_back` others. Every range
    is a literal: taken from a joined row it would read the symbol's whole history.
-#}
{% macro fill_bars(segments) %}
    {%- for group in segments | batch(100) -%}
        {%- do run_query(bars_of_segments(group)) -%}
    {%- endfor -%}
{% endmacro %}

{% macro bars_of_segments(segments) %}
    insert into {{ segment_bars() }}
    select
        segment,
        number_before + row_number() over (partition by segment order by open_time) - sum(1 - is_new) over (partition by segment),
        open_time, high_price, low_price, close_price, volume, close_price, volume, quote_volume, is_new
    from (
        {%- for segment in segments %}
        {%- if segment['state_time'] %}
        ({{ some_bars(segment, is_new=0) }} order by {{ bars_of('time') }} desc limit {{ look_back() }})
        union all
        {%- if segment['edge'] %}
        ({{ bars_before_edge(segment) }})
        union all
        {%- endif %}
        {%- endif %}
        ({{ some_bars(segment, is_new=1) }} order by {{ bars_of('time') }} limit {{ segment['limit'] }})
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    ) as bars
{% endmacro %}

{% macro some_bars(segment, is_new) %}
    {%- set time = bars_of('time') -%}
    select {{ segment['number'] }} as segment, {{ segment['number_before'] }} as number_before, {{ bars_of('open_time') }} as open_time,
        high_price, low_price, close_price, volume, quote_volume, {{ is_new }} as is_new
    from {{ ref(bars_of('model')) }} force index (primary)
    where {{ is_series(segment) }} and {{ bars_of('filter') }}
        {%- if is_new %}
        and {{ time }} {{ '> ' ~ literal(segment['state_time']) if segment['state_time'] else '>= ' ~ literal(segment['edge'] or '1000-01-01') }}
        {%- if segment['until'] %} and {{ time }} < {{ literal(segment['until']) }}{% endif %}
        {%- else %}
        and {{ time }} <= {{ literal(segment['state_time']) }}
        {%- if segment['edge'] %} and {{ time }} >= {{ literal(segment['edge']) }}{% endif %}
        {%- endif %}
{%- endmacro %}

{#- Where an indicator model finds its bars: its config `bars`. -#}
{% macro bars_of(what) %}
    {%- set bars = config.get('bars') -%}
    {{ return(bars[what] if what in bars else bars['time']) }}
{% endmacro %}

{% macro is_series(row) -%}
    exchange = {{ literal(row['exchange']) }} and symbol = {{ literal(row['symbol']) }}
{%- endmacro %}

{% macro literal(value) %}{{ return(dbt.string_literal(dbt.escape_single_quotes(value | string))) }}{% endmacro %}

{#-
    What windows say of each new bar.

    MySQL copies all columns of all bars once for every window it tells apart. So each window has one name, however many functions look
    through it, and what segments have in common is joined when the windows are done: that more than halves its time.
-#}
{% macro fill_windows() %}
    {%- set periods = (var('sma_periods') + [var('bollinger_period')]) | unique | list %}
    insert into {{ segment_windows() }} (
        segment, number, exchange, symbol, open_time, close_price, {{ day_states() | join(', ') }}, vwap,
        bollinger_upper, bollinger_middle, bollinger_lower
        {%- for period in var('sma_periods') %}, sma_{{ period }}{% endfor %}
    )
    with

    placed as (

        select
            segment,
            number,
            open_time,
            exact_close,
            is_new,
            count(*) over window_{{ look_back() + 1 }} as place,
            {%- for period in periods %}
            {{ sum_of_closes(period) }},
            {%- endfor %}
            {{ sum_of_squared_closes() }},
            {{ sum_of_new_bars('exact_volume') }},
            {{ sum_of_new_bars('quote_volume') }}
        from {{ segment_bars() }}
        window
            {%- for period in periods %}
            window_{{ period }} as (partition by segment order by number rows {{ period - 1 }} preceding),
            {%- endfor %}
            day_so_far as (partition by segment, date(open_time) order by number rows unbounded preceding)

    ),

    of_day as (

        select
            placed.*,
            states.exchange,
            states.symbol,
            {{ sum_of_day('exact_volume', 'day_volume_state') }},
            {{ sum_of_day('quote_volume', 'day_quote_volume_state') }}
        from placed
        inner join {{ segment_states() }} as states on placed.segment = states.segment
        where placed.is_new = 1

    )

    select
        segment, number, exchange, symbol, open_time, exact_close, {{ day_states() | join(', ') }}, {{ vwap() }},
        {{ bollinger(var('bollinger_deviations')) }}, {{ bollinger(0) }}, {{ bollinger(-var('bollinger_deviations')) }}
        {%- for period in var('sma_periods') %},
        {{ sma(period) }}
        {%- endfor %}
    from of_day
{% endmacro %}
