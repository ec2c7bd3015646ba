-- Clears the drift of a deployment when it changes.
create or replace function forget_drift() returns trigger language plpgsql as $$
begin
  new.drift_checked_at := null;
  new.drifted_since := null;
  return new;
end $$;
