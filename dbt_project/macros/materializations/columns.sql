{#-
    Give a table the columns its contract has gained, under the writer's lock and before anything is read: one ALTER TABLE that both servers do
    without touching a row (ALGORITHM=INSTANT, or they refuse), so old rows have NULL there. It waits for readers as long as any other DDL of
    ours. Killed after it, the columns are there and the next run finds nothing to do.

    Any other difference (a type, a key, a column that is gone, a new one that must not be null) is refused, as only a rebuild makes the table
    so; with `may_differ`, in a full refresh, it is left to the rebuild that follows.
-#}
{% macro adopt_new_columns(target, may_differ=false) %}
    {%- do drop_temporary(batch_relation()) -%}
    {%- do run_query(keyed_ddl(batch_relation(), temporary=True)) -%}
    {%- set wanted, present = columns_of(batch_relation()), columns_of(target) -%}
    {%- do drop_temporary(batch_relation()) -%}
    {%- set differences = column_differences(wanted, present) + key_differences(target) -%}
    {%- set added = [] -%}
    {%- for name in wanted if name not in present -%}{%- do added.append(name) -%}{%- endfor -%}
    {%- if differences and not may_differ -%}
        {{ exceptions.raise_database_error('expected ' ~ target.identifier ~ ' as its contract has it, or with fewer nullable columns, but '
            ~ differences | join(', ') ~ '; nothing was changed, and only a rebuild makes it so: dbt run --full-refresh --select '
            ~ target.identifier) }}
    {%- elif added and not differences -%}
        {#- Before the ALTER: killed in between, the columns are still missing and added by the next run. -#}
        {%- if kept_checksum(target) == table_checksum(without=added) -%}{%- do keep_checksum(target, table_checksum()) -%}{%- endif -%}
        {%- do commit() -%}
        {%- do run_query('alter table ' ~ target ~ ' ' ~ add_columns(added) ~ ', algorithm = instant') -%}
        {%- do log(target.identifier ~ ' has new columns, empty in the rows there are: ' ~ added | join(', '), info=True) -%}
    {%- endif -%}
{% endmacro %}

{#- Each after the column that stands before it in the contract. -#}
{% macro add_columns(added) %}
    {%- set names, parts = model['columns'].keys() | list, [] -%}
    {%- for name in names if name in added -%}
        {%- set definition = adapter.render_raw_columns_constraints(raw_columns={name: model['columns'][name]})[0] -%}
        {%- set at = names.index(name) -%}
        {%- do parts.append('add column ' ~ definition ~ (' after ' ~ names[at - 1] if at else ' first')) -%}
    {%- endfor -%}
    {{ return(parts | join(', ')) }}
{% endmacro %}

{#- Name to type in the server's own words, `decimal(20,8)` or `decimal(20,8) not null`. -#}
{% macro columns_of(relation) %}
    {%- set found = {} -%}
    {%- for row in run_query('show columns from ' ~ relation).rows -%}
        {%- set type = row[1].decode() if row[1] is not string else row[1] -%}
        {%- do found.update({row[0] | lower: type ~ (' not null' if row[2] == 'NO' else '')}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#- What ADD COLUMN does not bring about, as parts of a sentence. -#}
{% macro column_differences(wanted, present) %}
    {%- set found = [] -%}
    {%- for name, type in wanted.items() -%}
        {%- if name not in present and 'not null' in type -%}
            {%- do found.append('its new column ' ~ name ~ ' must not be null, which no stored row fulfils') -%}
        {%- elif name in present and present[name] != type -%}
            {%- do found.append('column ' ~ name ~ ' is ' ~ present[name] ~ ' there and ' ~ type ~ ' in the contract') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in present if name not in wanted -%}
        {%- do found.append('column ' ~ name ~ ' is not in the contract, its values would go') -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{% macro key_differences(target) %}
    {%- set present = [] -%}
    {%- for row in run_query("select column_name from information_schema.statistics where table_schema = '" ~ target.schema ~ "' and table_name = '"
        ~ target.identifier ~ "' and index_name = 'PRIMARY' order by seq_in_index").rows -%}
        {%- do present.append(row[0] | lower) -%}
    {%- endfor -%}
    {%- set wanted = keyed_primary_key() | list -%}
    {{ return([] if present == wanted else ['its key is (' ~ present | join(', ') ~ ') there and (' ~ wanted | join(', ') ~ ') in the config']) }}
{% endmacro %}

{#- The columns a rebuild takes over from the old table; a new one is empty in the rows there are. -#}
{% macro columns_to_keep(next, existing) %}
    {%- set wanted, present = columns_of(next), columns_of(existing) -%}
    {%- set kept = [] -%}
    {%- for name, type in wanted.items() -%}
        {%- if name in present -%}{%- do kept.append(name) -%}
        {%- elif 'not null' in type -%}
            {{ exceptions.raise_database_error('expected the new column ' ~ name ~ ' of ' ~ existing.identifier ~ ' to be nullable, as the rows that are kept have'
                ~ ' no value for it; nothing was changed, take not_null out of its constraints') }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(kept) }}
{% endmacro %}
