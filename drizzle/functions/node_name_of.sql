-- The name in a `node` of `nodes_of_change`.
create or replace function node_name_of(node text) returns text language sql immutable parallel safe as $$
  select substr(node, strpos(node, e'\n') + 1)
$$;
