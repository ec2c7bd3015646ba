-- The type in a `node` of `nodes_of_change`.
create or replace function node_type_of(node text) returns text language sql immutable parallel safe as $$
  select split_part(node, e'\n', 1)
$$;
