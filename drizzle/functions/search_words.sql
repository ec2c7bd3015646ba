-- Words, and for other scripts each letter with the next one. `inside`: also all suffixes of words, so that the middle of
-- a word is found as the prefix of a suffix; only for the first 5,000 characters. The longest description and prompt
-- always fit into the 1 MB limit of a tsvector.
create or replace function search_words(source text, inside boolean)
returns tsvector language sql immutable parallel safe cost 1000 set search_path = public, pg_temp as $$
  with parts as materialized (
    select string_to_array(words, ' ') as words, string_to_array(letters, null) as letters from search_parts(source, case when inside then 5000 else 250000 end)
  )
  select array_to_tsvector(coalesce(array_agg(part), '{}')) from (
    select left(word, 255) as part from parts, unnest(parts.words) word where word <> ''
    union all
    select substr(word, start, 40) from parts, unnest(parts.words) word, generate_series(2, least(length(word), 40)) start
    where inside
    union all
    select letter || rtrim(coalesce(following, ''))
    from parts, unnest(parts.letters, parts.letters[2:]) pair (letter, following) where letter <> ' '
  ) each
$$;
