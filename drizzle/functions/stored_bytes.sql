-- Bytes of the owner's workflow versions and credentials, as they are stored.
create or replace function stored_bytes(owner uuid) returns bigint language sql stable as $$
  select (select coalesce(sum(bytes), 0) from workflow_sizes where user_id = owner)::bigint
    + (select coalesce(sum(pg_column_size(credential_data)), 0) from credentials where user_id = owner)
$$;
