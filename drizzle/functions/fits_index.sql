-- Whether texts fit into an entry of an index, which Postgres limits to 2,704 bytes.
create or replace function fits_index(texts text[]) returns boolean language sql immutable parallel safe as $$
  select coalesce(sum(octet_length(each) + 8), 0) < 2000 from unnest(texts) each
$$;
