-- The query for texts, indexed by `search_words`, that contain every word. Matches nothing without letters.
create or replace function search_query(sought text)
returns tsquery language sql immutable parallel safe set search_path = public, pg_temp as $$
  with parts as materialized (
    select string_to_array(words, ' ') as words, string_to_array(letters, null) as letters from search_parts(sought, 1000)
  )
  select coalesce(string_agg(part, ' & '), '')::tsquery from (
    select '''' || left(word, 255) || ''':*' as part from parts, unnest(parts.words) word where word <> ''
    union all
    select '''' || letter || case when following <> ' ' then following || '''' else ''':*' end
    from parts, unnest(' '::text || parts.letters, parts.letters, parts.letters[2:] || ' '::text) near (before, letter, following)
    where letter <> ' ' and (following <> ' ' or before = ' ')
  ) each
$$;
