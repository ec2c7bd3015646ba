-- SHA-256 of the part of an audit event that is erased with its account. The salt is erased too, so that the digest reveals
-- nothing. docs/audit.md and src/users/audit-chain.ts compute the same.
create or replace function audit_digest(event audit_events) returns text language sql stable parallel safe as $$
  select encode(sha256(convert_to(concat(event.salt, E'\n',
    jsonb_build_array(event.details, event.client_address, event.user_agent, event.token_name)), 'UTF8')), 'hex')
$$;
