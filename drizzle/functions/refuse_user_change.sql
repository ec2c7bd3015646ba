-- Trigger of `flowkeep users move` on the rows of one user, while they are copied. Inserts fail, and so do changes if the
-- argument is 'refuse'; with 'skip' they have no effect, so that statements over the rows of all users continue.
create or replace function refuse_user_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' or tg_argv[0] = 'refuse' then
    raise exception 'the account is being moved' using errcode = 'FK503';
  end if;
  return null;
end $$;
