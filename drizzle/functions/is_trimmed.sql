-- Whether retention has removed the data of a run.
create or replace function is_trimmed(data jsonb, data_stamp text) returns boolean language sql immutable parallel safe as $$
  select data is null and data_stamp is not null and data_stamp <> '-'
$$;
