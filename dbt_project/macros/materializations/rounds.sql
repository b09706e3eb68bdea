{#-
    Build an indicator table in rounds. A row follows from the row before it, so what is new or changed of a symbol is computed from the
    state in the row before, bar by bar, and a round takes as many bars as one transaction should have (`indicator_bars_per_round`).

    claim     what is pending becomes claimed (committed): see `indicator_progress`
    round     states, bars and windows of its segments go to session tables, the model's query to the batch; then one short
              transaction: upsert, and the claim moves behind the bars that are done
    rounds    live lane: tails until none is left or `indicator_bars_per_run` are done, then at most one round of corrections, as the
              next minute waits. Backfill lane and models without a queue of loads: until nothing is claimed. Between two rounds
              the writer's lock is free

    A first build is an empty table and these rounds. A full refresh has its own progress (model `x__next`), fills x__next from the
    checkpoints on, and swaps it in by one rename. It keeps the writer's lock: another run would sweep x__next away, and what that run
    corrects in the old table would be missing in the new one.
-#}
{% macro build_in_rounds(sql) %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- do expect_sensible_periods() -%}
    {%- do commit() -%}
    {%- do set_session() -%}
    {%- do set_recursion_limit() -%}
    {%- do take_writer_lock(target) -%}
    {%- if existing is none -%}{%- do expect_still_missing(target) -%}{%- endif -%}
    {%- do sweep(target) -%}
    {%- do ensure_progress() -%}
    {%- do create_segment_tables() -%}
    {%- do get_assert_columns_equivalent(sql) -%}
    {%- if existing is not none and not is_incremental() -%}
        {%- do refresh_in_rounds(target, existing, sql) -%}
    {%- else -%}
        {%- if existing is none -%}
            {#- Claimed before the table is there: killed in between, the next run is a first build again. -#}
            {%- do pin_loads(bounded=False) -%}
            {%- do claim_everything(this.identifier) -%}
            {%- do consume_loads() -%}
            {%- do commit() -%}
            {%- do run_query(keyed_ddl(target)) -%}
        {%- else -%}
            {%- do refuse_changed_periods() -%}
            {%- do adopt_new_columns(target) -%}
            {%- do claim_loads() -%}
        {%- endif -%}
        {%- do run_rounds(target, this.identifier, sql, is_bounded=config.get('pins_loads') and not is_backfill()) -%}
    {%- endif -%}
    {%- for table in [segment_states(), segment_bars(), segment_windows(), batch_relation(), pinned_loads()] -%}
        {%- do drop_temporary(table) -%}
    {%- endfor -%}
    {%- do commit() -%}
    {%- do release_writer_lock(target) -%}
    {%- call statement('main') -%} select 'done' as outcome {%- endcall -%}
    {%- do commit() -%}
    {{ return({'relations': [target]}) }}
{% endmacro %}

{#- The queue of loads, if there is one, and what others marked. -#}
{% macro claim_loads() %}
    {%- set queue = namespace(is_empty=not config.get('pins_loads')) -%}
    {%- for _ in range(100000) if not queue.is_empty -%}
        {%- do pin_loads(bounded=True) -%}
        {%- set queue.is_empty = count_of(pinned_loads()) == 0 -%}
        {%- if not queue.is_empty -%}
            {%- do mark_loads() -%}
            {%- do consume_loads() -%}
            {%- do commit() -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do claim_pending() -%}
    {%- do commit() -%}
{% endmacro %}

{% macro run_rounds(table, as_model, sql, is_bounded) %}
    {%- if not is_incremental() -%}{%- do say_unusable_checkpoints() -%}{%- endif -%}
    {%- set tails_done = [] -%}
    {%- set progress = namespace(is_done=false, rounds=0, bars=0) -%}
    {%- for _ in range(100000) if not progress.is_done -%}
        {%- if progress.rounds and as_model == this.identifier -%}
            {%- do release_writer_lock(this) -%}
            {%- do take_writer_lock(this) -%}
        {%- endif -%}
        {%- set work = claimed_work(as_model) -%}
        {%- set edges = checkpoint_edges() if work else {} -%}
        {%- set has_room = not is_bounded or progress.bars < var('indicator_bars_per_run') -%}
        {%- set tails = plan_segments('tail', work, edges, tails_done) if has_room else [] -%}
        {%- set segments = tails or plan_segments('correction', work, edges, tails_done) -%}
        {%- if segments -%}
            {%- if progress.rounds -%}{%- do create_segment_tables() -%}{%- endif -%}
            {%- set progress.bars = progress.bars + run_round(table, as_model, segments, sql, tails_done) -%}
            {%- set progress.rounds = progress.rounds + 1 -%}
        {%- endif -%}
        {%- set progress.is_done = not segments or (is_bounded and not tails) -%}
    {%- endfor -%}
{% endmacro %}

{#- Returns the number of bars. -#}
{% macro run_round(table, as_model, segments, sql, tails_done) %}
    {%- do fill_states(segments, table) -%}
    {%- do fill_bars(segments) -%}
    {%- set bars = close_segments(segments, tails_done) -%}
    {%- if bars -%}
        {%- do sort_in_memory(true) -%}
        {%- do run_query(fill_windows()) -%}
        {%- do sort_in_memory(false) -%}
        {%- do fill_batch(sql) -%}
        {%- do expect_all_rows(bars) -%}
    {%- else -%}
        {%- do drop_temporary(batch_relation()) -%}
        {%- do run_query(keyed_ddl(batch_relation(), temporary=True)) -%}
    {%- endif -%}
    {%- do commit() -%}
    {%- for segment in segments if segment['had'] and not segment['row_at'] -%}
        {%- do run_query(delete_rows_without_bar(table, segment)) -%}
        {%- if begins_earlier(table, segment) -%}{%- do say_earlier_history(segment) -%}{%- endif -%}
    {%- endfor -%}
    {%- if bars -%}
        {%- call statement('main') -%} {{ keyed_upsert(table, batch_relation()) }} {%- endcall -%}
    {%- endif -%}
    {%- do run_query(move_progress(as_model, segments)) -%}
    {%- do commit() -%}
    {{ return(bars) }}
{% endmacro %}

{% macro refresh_in_rounds(target, existing, sql) %}
    {%- set next = beside(target, 'next') -%}
    {%- set as_model = this.identifier ~ '__next' -%}
    {%- do pin_loads(bounded=False) -%}
    {%- do claim_pending() -%}
    {%- do claim_everything(as_model) -%}
    {%- do commit() -%}
    {%- do run_query(keyed_ddl(next)) -%}
    {%- do run_rounds(next, as_model, sql, is_bounded=False) -%}
    {%- do run_query('analyze table ' ~ next) -%}
    {#- Committed by the rename, before it: killed in between, rows of the new periods are not gone on with by a run with the old ones. -#}
    {%- do run_query('update ' ~ indicator_progress() ~ " set periods = 'swapped in' where model = '" ~ this.identifier ~ "' and periods <> '"
        ~ periods_checksum() ~ "'") -%}
    {%- do swap_in(target, existing) -%}
    {#- After the swap: killed in between, the old claims stand, and what they cover is computed once more. -#}
    {%- do run_query('update ' ~ indicator_progress() ~ " set last_open_time = null, claimed_from = null where model = '" ~ this.identifier ~ "'") -%}
    {%- do run_query('insert into ' ~ indicator_progress() ~ " (model, exchange, symbol, last_open_time, periods) select '" ~ this.identifier
        ~ "', done.exchange, done.symbol, done.last_open_time, done.periods from " ~ indicator_progress() ~ " as done where done.model = '" ~ as_model
        ~ "' on duplicate key update last_open_time = values(last_open_time), periods = values(periods)") -%}
    {%- do run_query('delete from ' ~ indicator_progress() ~ " where model = '" ~ as_model ~ "'") -%}
    {%- do consume_loads() -%}
    {%- do commit() -%}
{% endmacro %}

{#- Past the limit MySQL raises an error; MariaDB stops silently. The servers name it differently. -#}
{% macro set_recursion_limit() %}
    {%- set is_mariadb = 'mariadb' in (run_query('select version() as v').rows[0][0] | string | lower) -%}
    {%- do run_query('set session ' ~ ('max_recursive_iterations' if is_mariadb else 'cte_max_recursion_depth') ~ ' = '
        ~ (var('indicator_bars_per_round') + 10)) -%}
{% endmacro %}

{#-
    Windows over a round's bars outgrow the 16 MB that servers give a temporary table, and on disk they take three times as long. Not so
    the recursion: MariaDB is the slower at it the more of it lies in memory.
-#}
{% macro sort_in_memory(is_wanted) %}
    {%- set size = 268435456 if is_wanted else 'default' -%}
    {%- do run_query('set session tmp_table_size = ' ~ size ~ ', max_heap_table_size = ' ~ size) -%}
{% endmacro %}

{% macro expect_all_rows(bars) %}
    {%- set rows = count_of(batch_relation()) -%}
    {%- if rows != bars -%}
        {{ exceptions.raise_database_error('expected ' ~ bars ~ ' rows for as many bars of ' ~ this.identifier ~ ', but the recursion gave ' ~ rows
            ~ ': a limit of the server cut it off; nothing was changed') }}
    {%- endif -%}
{% endmacro %}

{#- Where bars were computed again: rows whose bar is no longer final, or gone. -#}
{% macro delete_rows_without_bar(table, segment) %}
    delete stale from {{ table }} as stale
    left join {{ batch_relation() }} as kept
        on kept.exchange = stale.exchange and kept.symbol = stale.symbol and kept.open_time = stale.open_time
    where stale.exchange = {{ literal(segment['exchange']) }} and stale.symbol = {{ literal(segment['symbol']) }} and kept.symbol is null
        and stale.open_time {{ '> ' ~ literal(segment['state_time']) if segment['state_time'] else '>= ' ~ literal(segment['edge'] or '1000-01-01') }}
        {%- if not segment['is_whole'] %} and stale.open_time <= {{ literal(segment['end']) }}
        {%- elif segment['until'] %} and stale.open_time < {{ literal(segment['until']) }}
        {%- endif %}
{% endmacro %}

{#- Whether a segment begins with a bar that is earlier than all rows of its symbol. The first bar corrected has a row. -#}
{% macro begins_earlier(table, segment) %}
    {{ return(not segment['state_time'] and not segment['edge'] and count_of('(select 1 from ' ~ segment_bars() ~ ' as bars left join ' ~ table
        ~ ' as present on ' ~ is_series(segment) ~ ' and present.open_time = bars.open_time where segment = ' ~ segment['number']
        ~ ' and number = 1 and present.open_time is null) as q') > 0) }}
{% endmacro %}

{#- History that came before the first bar changes all that followed from that bar, up to the next checkpoint: nobody shall wonder why. -#}
{% macro say_earlier_history(segment) %}
    {%- set message = this.identifier ~ ': history before the first bar of ' ~ segment['symbol'] ~ ' came in; its rows are computed again from '
        ~ segment['claimed'] ~ ' on' ~ (' up to ' ~ segment['until'] if segment['until'] else '') -%}
    {%- do log(message, info=True) -%}
    {%- do run_query('insert into ' ~ raw_schema() ~ '.pipeline_events (occurred_at, kind, severity, subject, message) values (utc_timestamp(3), '
        ~ "'earlier_history', 'info', " ~ literal(this.identifier ~ ' ' ~ segment['symbol']) ~ ', ' ~ literal(message) ~ ')') -%}
{% endmacro %}
