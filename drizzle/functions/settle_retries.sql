-- Counts each retry chain once. The latest run that succeeded, failed or crashed decides the outcome and gets the kind of
-- the original; the other ended runs are superseded. Open, cancelled and unknown runs do not count. The lock waits for
-- deliveries in progress, so that the result does not depend on their order.
create or replace function settle_retries(of_instance uuid) returns integer language plpgsql
set enable_seqscan = off as $$
declare
  chain record;
begin
  perform pg_advisory_xact_lock(hashtextextended(of_instance::text, 0));
  with recursive above as (
    select epoch, n8n_execution_id as id from execution_keys where instance_id = of_instance and is_retry_pending
    union
    select a.epoch, k.retry_of from above a
    join execution_keys k on k.instance_id = of_instance and k.n8n_execution_id = a.id and k.epoch = a.epoch
    where k.retry_of is not null
  ), members as (
    select a.epoch, a.id as root, a.id from above a
    where not exists (
      select from execution_keys k
      where k.instance_id = of_instance and k.n8n_execution_id = a.id and k.epoch = a.epoch and k.retry_of is not null)
    union
    select m.epoch, m.root, k.n8n_execution_id from members m
    join execution_keys k on k.retry_of = m.id and k.instance_id::text = of_instance::text and k.epoch = m.epoch
  ), runs as (
    select m.epoch, m.root, m.id as n8n_id, e.id, e.recorded_at, e.mode, e.retry_of,
      e.status in ('success', 'error', 'crashed') as is_decisive,
      row_number() over (partition by m.epoch, m.root
        order by coalesce(e.started_at, e.finished_at, e.recorded_at), length(m.id), m.id collate "C") as place
    from members m
    join execution_keys k on k.instance_id = of_instance and k.n8n_execution_id = m.id and k.epoch = m.epoch
    join executions e on e.id = k.id and e.recorded_at = k.recorded_at
  ), judged as (
    select r.*, max(r.place) filter (where r.is_decisive) over chain as last_place,
      max(run_kind(r.mode)) filter (where r.n8n_id = r.root) over chain as root_kind
    from runs r window chain as (partition by r.epoch, r.root)
  )
  select array_agg(j.id) as ids, array_agg(j.recorded_at) as times,
    array_agg(case when j.is_decisive and j.place < j.last_place then 'superseded'
      else coalesce(j.root_kind, 'production') end) as kinds,
    array_agg((select p.id from runs p where p.epoch = j.epoch and p.root = j.root and p.n8n_id = j.retry_of)) as originals,
    array_agg((select r.id from runs r where r.epoch = j.epoch and r.root = j.root and r.retry_of = j.n8n_id
      order by r.place desc limit 1)) as retries
  into chain from judged j;
  perform move_executions(chain.ids, chain.times, null, null, chain.kinds);
  update executions e set retry_of_id = c.original, retried_by_id = c.retry
  from unnest(chain.ids, chain.times, chain.originals, chain.retries) c (id, recorded_at, original, retry)
  where e.id = c.id and e.recorded_at = c.recorded_at
    and (e.retry_of_id, e.retried_by_id) is distinct from (c.original, c.retry);
  update execution_keys set is_retry_pending = false where instance_id = of_instance and is_retry_pending;
  return coalesce(cardinality(chain.ids), 0);
end $$;
