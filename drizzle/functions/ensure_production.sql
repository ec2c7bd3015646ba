-- Creates the environment `production` of a user before the first instance is added to it.
create or replace function ensure_production() returns trigger language plpgsql as $$
begin
  insert into environments (id, user_id, name, is_production)
  values (uuid_v7(), new.user_id, 'production', true)
  on conflict on constraint environments_name_key do nothing;
  return new;
end $$;
