create or replace function workflow_words(name text, description text, prompt text, node_types text[])
returns tsvector language sql immutable parallel safe set search_path = public, pg_temp as $$
  select search_words(concat_ws(' ', name, array_to_string(node_types, ' ')), true)
    || search_words(concat_ws(' ', description, prompt), false)
$$;
