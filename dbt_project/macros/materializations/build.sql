{#-
    Build a table with a key that readers never see missing or half filled; one writer at a time.

    first build, --full-refresh   x__next is created and filled, then ONE rename (x to x__prev, x__next to x)
    every other run               x__batch (temporary) is filled, then one short transaction: hooks, upsert, hooks, loads consumed

    In the backfill lane (var `lane`) the latter is repeated until nothing is pending, a chunk of loads at a time: between two chunks the
    writer's lock is free, and the live run that waits for it gets it.

    A full refresh that keeps history is such a merge too, of all that staging holds, unless the definition of the table changed: the rename of
    a partitioned table is not crash-safe on MariaDB. `--vars '{rebuild_by_swap: true}'` swaps all the same.

    A table that lacks nullable columns of its contract gets them before, without a rebuild: see `adopt_new_columns`.
-#}
{% macro keyed_build(sql, merge) %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set merging = merge and existing is not none and existing.is_table and not should_full_refresh() -%}
    {%- do commit() -%}  {#- what compiling read must hold neither a snapshot nor a metadata lock -#}
    {%- do set_session() -%}
    {%- set progress = namespace(chunks=0, is_done=false) -%}
    {%- for _ in range(100000) if not progress.is_done -%}
        {%- do take_writer_lock(target) -%}
        {%- if progress.chunks == 0 -%}
            {%- if existing is none -%}{%- do expect_still_missing(target) -%}{%- endif -%}
            {%- do sweep(target) -%}
            {%- if merging -%}{%- do adopt_new_columns(target) -%}
            {%- elif merge and keeps_history(existing) -%}{%- do adopt_new_columns(target, may_differ=true) -%}
            {%- endif -%}
        {%- endif -%}
        {%- do pin_loads(bounded=merging) -%}
        {%- set may_stop = merging and config.get('pins_loads') and (progress.chunks or not config.get('runs_without_loads')) -%}
        {%- if may_stop and count_of(pinned_loads()) == 0 -%}
            {%- set progress.is_done = true -%}
        {%- else -%}
            {{ run_hooks(pre_hooks, inside_transaction=False) }}
            {%- if progress.chunks == 0 -%}{%- do get_assert_columns_equivalent(sql) -%}{%- endif -%}
            {%- if writes_in_place() -%}{%- do keyed_merge(target, sql) -%}
            {%- else -%}{%- do keyed_rebuild(target, existing, sql, keep=merge and config.get('keep_history', False)) -%}
            {%- endif -%}
            {{ run_hooks(post_hooks, inside_transaction=False) }}
            {%- set progress.chunks = progress.chunks + 1 -%}
            {%- set progress.is_done = not (merging and config.get('pins_loads') and is_backfill()) -%}
        {%- endif -%}
        {%- do drop_temporary(batch_relation()) -%}
        {%- do drop_temporary(pinned_loads()) -%}
        {%- do commit() -%}
        {%- do release_writer_lock(target) -%}
    {%- endfor -%}
    {%- if progress.chunks == 0 -%}
        {%- call statement('main') -%} select 'no load is pending' as outcome {%- endcall -%}
        {%- do commit() -%}
    {%- endif -%}
    {{ return({'relations': [target]}) }}
{% endmacro %}

{#- Whether this run changes the table there is; hooks ask as well, because a rebuild shows them x__next instead. -#}
{% macro writes_in_place() %}
    {%- set existing = load_cached_relation(this) -%}
    {%- if is_incremental() -%}{{ return(true) }}{%- endif -%}
    {{ return(keeps_history(existing) and kept_checksum(this) == table_checksum()) }}
{% endmacro %}

{#- Whether a full refresh goes on from the rows of this table, where it can in the table itself. -#}
{% macro keeps_history(existing) %}
    {{ return(config.get('keep_history', false) and existing is not none and existing.is_table and not var('rebuild_by_swap')) }}
{% endmacro %}
