{#-
    The segments of a round. What a symbol needs comes in two kinds:

    tail        bars after the newest row; also the first ones of a symbol that has no row
    correction  bars from claimed_from on that have a row already

    A segment ends after `limit` bars and never crosses the edge of a checkpoint: what follows that edge follows from the checkpoint.
    As many segments as fit into `indicator_bars_per_round` are taken, at least one; those with the least to do go first, so that no symbol
    waits for the years of another one.
-#}
{% macro plan_segments(kind, work, edges, tails_done) %}
    {%- set wanted = [] -%}
    {%- for one in work -%}
        {%- set is_tail = one['last'] is none or one['claimed'] > one['last'] -%}
        {%- if kind == 'correction' and not is_tail -%}{%- do wanted.append(dict(one, begins=one['claimed'])) -%}
        {%- elif kind == 'tail' and (one['exchange'], one['symbol']) not in tails_done -%}
            {%- do wanted.append(dict(one, begins=one['last'] or one['claimed'])) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set segments = [] -%}
    {%- set limit = [var('indicator_bars_per_round') // ([wanted | length, 1] | max), 5000] | max -%}
    {%- set limit = [limit, var('indicator_bars_per_round')] | min -%}
    {%- set room = namespace(bars=var('indicator_bars_per_round')) -%}
    {%- for one in wanted | sort(attribute='begins', reverse=true) if room.bars > 0 -%}
        {%- set is_tail = one['last'] is none or one['claimed'] > one['last'] -%}
        {%- set of_symbol = edges.get((one['exchange'], one['symbol']), []) -%}
        {#- A row to go on from is known by its time, unless an edge came after it. -#}
        {%- set row_at = one['last'] if kind == 'tail' and not (is_tail and passes_edge(one, of_symbol)) else none -%}
        {%- set start = row_at or one['claimed'] -%}
        {%- set ahead = seconds_until_now(start) // bars_of('seconds') + 1 -%}
        {%- do segments.append({
            'number': loop.index, 'kind': kind, 'exchange': one['exchange'], 'symbol': one['symbol'], 'last': one['last'],
            'claimed': one['claimed'], 'is_tail': is_tail, 'row_at': row_at, 'start': start, 'limit': limit,
            'edge': of_symbol | select('le', start) | list | last, 'until': of_symbol | select('gt', start) | list | first,
        }) -%}
        {%- set room.bars = room.bars - [[ahead, 1] | max, limit] | min -%}
    {%- endfor -%}
    {{ return(segments) }}
{% endmacro %}

{% macro passes_edge(one, edges) %}
    {{ return(one['last'] is not none and edges | select('gt', one['last']) | select('le', one['claimed']) | list | length > 0) }}
{% endmacro %}

{% macro seconds_until_now(moment) %}
    {%- set then = modules.datetime.datetime.strptime(moment[:19], '%Y-%m-%d %H:%M:%S') -%}
    {{ return((run_started_at.replace(tzinfo=none) - then).total_seconds() | int) }}
{% endmacro %}

{#-
    Fill __states, and tell each segment the row it goes on from: the newest before its start, else the checkpoint at its edge, else none.
-#}
{% macro fill_states(segments, table) %}
    {%- set states = (indicator_states().keys() | list + day_states()) | join(', ') -%}
    {%- for group in segments | batch(100) -%}
        {%- set rows -%}
            {%- for segment in group if segment['last'] -%}
            (select {{ segment['number'] }}, exchange, symbol, open_time, bar_number, close_price, {{ states }} from {{ table }} force index (primary)
             where {{ is_series(segment) }} and
                {%- if segment['row_at'] %} open_time = {{ literal(segment['row_at']) }})
                {%- else %} open_time < {{ literal(segment['start']) }}
                {%- if segment['edge'] %} and open_time >= {{ literal(segment['edge']) }}{% endif %} order by open_time desc limit 1)
                {%- endif %}
                {{- ' union all ' if not loop.last }}
            {%- endfor -%}
        {%- endset -%}
        {%- if rows | trim -%}{%- do run_query('insert into ' ~ segment_states() ~ ' ' ~ rows) -%}{%- endif -%}
        {%- for segment in group if segment['edge'] -%}{%- do run_query(state_at_edge(segment)) -%}{%- endfor -%}
        {%- set nothing = ', 0' * (indicator_states() | length + 2 + 2) %}
        {%- set fresh -%}
            insert ignore into {{ segment_states() }} values
            {%- for segment in group %} ({{ segment['number'] }}, {{ literal(segment['exchange']) }}, {{ literal(segment['symbol']) }}, null{{ nothing }})
                {{- ',' if not loop.last }}{% endfor %}
        {%- endset -%}
        {%- do run_query(fresh) -%}
    {%- endfor -%}
    {%- set found = run_query("select segment, concat('t', open_time), number from " ~ segment_states()).rows -%}
    {%- for row in found -%}
        {%- do segments[(row[0] | int) - 1].update({'state_time': row[1][1:] if row[1] else none, 'number_before': row[2] | int}) -%}
    {%- endfor -%}
{% endmacro %}

{#- What the bars read say of each segment: how many there are, the last one, and from where on its symbol is still to be computed. -#}
{% macro close_segments(segments, tails_done) %}
    {%- set counts = namespace(bars=0) -%}
    {%- for segment in segments -%}{%- do segment.update({'count': 0, 'end': none}) -%}{%- endfor -%}
    {%- for row in run_query("select segment, count(*), concat('t', max(open_time)) from " ~ segment_bars()
        ~ ' where is_new = 1 group by segment').rows -%}
        {%- do segments[(row[0] | int) - 1].update({'count': row[1] | int, 'end': row[2][1:]}) -%}
        {%- set counts.bars = counts.bars + (row[1] | int) -%}
    {%- endfor -%}
    {%- for segment in segments -%}
        {%- set is_whole = segment['count'] < segment['limit'] -%}
        {%- if segment['kind'] == 'tail' and not segment['is_tail'] -%}{%- set next = literal(segment['claimed']) -%}
        {%- elif not is_whole -%}{%- set next = 'cast(' ~ literal(segment['end']) ~ ' as datetime(3)) + interval 1000 microsecond' -%}
        {%- else -%}{%- set next = literal(segment['until']) if segment['until'] else 'null' -%}
        {%- endif -%}
        {%- if segment['kind'] == 'tail' and is_whole and not (segment['is_tail'] and segment['until']) -%}
            {%- do tails_done.append((segment['exchange'], segment['symbol'])) -%}
        {%- endif -%}
        {#- Of bars that are gone the rows go as well: then the newest row is the one the segment went on from, if that is one of the table. -#}
        {%- set rows_end = segment['kind'] == 'correction' and is_whole and not segment['until'] -%}
        {%- set is_row = segment['state_time'] and segment['state_time'] >= (segment['edge'] or '') -%}
        {%- set before = (segment['state_time'] if is_row else none) if rows_end else segment['last'] -%}
        {%- do segment.update({'claimed_next': next, 'is_whole': is_whole, 'had': segment['last'],
            'last': [before or '', segment['end'] or ''] | max or none}) -%}
    {%- endfor -%}
    {{ return(counts.bars) }}
{% endmacro %}
