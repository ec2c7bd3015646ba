-- Changes the version, its source and the kind of executions, and moves their rollups. Null keeps a value. Locks keys in
-- the same order as deliveries. The nodes of trimmed data stay counted for the earlier version.
create or replace function move_executions(ids uuid[], times timestamptz[], versions integer[], sources text[], kinds text[])
returns integer language sql as $$
  with target as (
    select * from unnest(ids, times, versions, sources, kinds) t (id, recorded_at, version, source, kind)
  ), locked as materialized (
    select k.id, k.recorded_at from target t
    join executions e on e.id = t.id and e.recorded_at = t.recorded_at
    join execution_keys k on k.instance_id = e.instance_id and k.n8n_execution_id = e.n8n_execution_id and k.id = e.id
    order by k.instance_id, k.n8n_execution_id collate "C", k.epoch
    for update of k
  ), moved as (
    update executions e set
      workflow_version = coalesce(t.version, e.workflow_version),
      workflow_version_source = coalesce(t.source, e.workflow_version_source),
      kind = coalesce(t.kind, e.kind),
      previous_workflow_version = e.workflow_version,
      previous_kind = e.kind,
      previous_duration_ms = counted_ms(e.started_at, e.finished_at, e.waited, e.active_ms),
      previous_error_fingerprint = e.error_fingerprint,
      previous_data = null,
      previous_data_stamp = e.data_stamp,
      updated_at = now()
    from locked l
    join target t on t.id = l.id
    where e.id = l.id and e.recorded_at = l.recorded_at and (e.workflow_version, e.workflow_version_source, e.kind)
      is distinct from (coalesce(t.version, e.workflow_version), coalesce(t.source, e.workflow_version_source),
        coalesce(t.kind, e.kind))
    returning e.*
  ), changes as (
    insert into execution_changes
      (user_id, deployment_id, workflow_id, instance_id, workflow_version, kind, recorded_at, sign, status, started_at,
       finished_at, duration_ms, error_fingerprint, node_names, node_counts, usage)
    select m.user_id, m.deployment_id, m.workflow_id, m.instance_id, c.version, c.kind, m.recorded_at, c.sign, m.status,
      m.started_at, m.finished_at, m.previous_duration_ms, m.error_fingerprint, n.names, n.counts, m.usage
    from moved m
    cross join lateral run_nodes(m.data) n
    cross join lateral (values
      (1, m.workflow_version, m.kind), (-1, m.previous_workflow_version, m.previous_kind)
    ) c (sign, version, kind)
    where (m.workflow_version, m.kind) is distinct from (m.previous_workflow_version, m.previous_kind)
  )
  select count(*)::integer from moved
$$;
