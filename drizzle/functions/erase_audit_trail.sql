-- Moves at most max_rows events of an account to erased_audit_events, without details, client addresses, user agents and names
-- of tokens, or deletes them unless is_kept. Returns their number.
create or replace function erase_audit_trail(owner uuid, is_kept boolean, max_rows integer default null) returns integer
language plpgsql as $$
declare
  -- A setting of the function itself would require a superuser.
  previous text := coalesce(current_setting('flowkeep.audit', true), '');
  erased integer;
begin
  perform start_audit_chain(owner);
  perform set_config('flowkeep.audit', 'erase', true);
  with gone as (
    delete from audit_events where id = any (array(
      select id from audit_events where user_id = owner order by seq limit max_rows)) returning *
  ), kept as (
    insert into erased_audit_events (id, user_id, seq, action, subject_id, actor, token_id, approval_id, session_id, request_id,
      created_at, digest, hash)
    select id, user_id, seq, action, subject_id, actor, token_id, approval_id, session_id, request_id, created_at,
      audit_digest(gone::audit_events), hash from gone where is_kept
  )
  select count(*) into erased from gone;
  perform set_config('flowkeep.audit', previous, true);
  return erased;
end $$;
