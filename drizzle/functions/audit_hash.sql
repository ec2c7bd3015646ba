-- SHA-256 of an audit event and of the hash of the event before it. docs/audit.md and src/users/audit-chain.ts compute the same.
create or replace function audit_hash(previous text, event audit_events) returns text language sql stable parallel safe as $$
  select encode(sha256(convert_to(array_to_string(array[
    previous, event.user_id::text, event.seq::text, event.id::text,
    to_char(event.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), event.action, event.subject_id::text,
    event.actor, event.token_id::text, event.approval_id::text, event.session_id::text, event.request_id::text,
    audit_digest(event)], E'\n', ''), 'UTF8')), 'hex')
$$;
