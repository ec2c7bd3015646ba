-- The kind of a run (see `runKinds`) by n8n's mode. A retry has the kind of its original.
create or replace function run_kind(mode text) returns text language sql immutable parallel safe as $$
  select case mode when 'manual' then 'manual' when 'evaluation' then 'manual' when 'integrated' then 'sub'
    when 'error' then 'error' else 'production' end
$$;
