-- Patterns for `like all`, because matching pairs of letters do not prove a longer sequence.
create or replace function search_stretches(sought text)
returns text[] language sql immutable parallel safe set search_path = public, pg_temp as $$
  select coalesce(array_agg('%' || stretch || '%'), '{}')
  from search_parts(sought, 1000), unnest(string_to_array(letters, ' ')) stretch where length(stretch) > 2
$$;
