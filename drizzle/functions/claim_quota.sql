-- Locks the owner and checks the quota, so that concurrent creations are checked one by one.
create or replace function claim_quota(owner uuid, entity text, quota integer) returns void language plpgsql as $$
declare
  used integer;
begin
  perform 1 from users where id = owner and deleted_at is null for no key update;
  if not found then
    raise exception 'no such account' using errcode = 'FK401';
  end if;
  if entity not in ('credentials', 'workflows', 'instances', 'deployments', 'alert_rules', 'alert_channels', 'api_tokens', 'environments') then
    raise exception 'no quota for %', entity using errcode = '22023';
  end if;
  execute format('select count(*) from (select 1 from %I where user_id = $1 limit $2) counted', entity)
    into used using owner, quota;
  if used >= quota then
    raise exception 'quota exceeded' using errcode = 'FK403';
  end if;
end $$;
