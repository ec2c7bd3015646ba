-- How well a delivery fits a recorded run with its n8n ID, like `fitOf` in `run-fit.ts`. 0: another run. 1: possibly this
-- earlier run if the current epoch has another one. 2: possibly this earlier run, because the delivery was reported before
-- the current epoch started. 3: possibly this run. 4: the same error. 5: the same times.
create or replace function run_fit(key execution_keys, current_epoch integer, epoch_started_at timestamptz, workflow text, status text,
  started_at timestamptz, finished_at timestamptz, error_at timestamptz, recorded_at timestamptz, is_polled boolean,
  evidence text)
returns integer language plpgsql stable as $$
declare
  skew constant interval := '5 minutes';
  exact constant interval := '1 second';
  key_ended constant boolean := key.status in ('success', 'error', 'canceled', 'crashed');
  key_failed constant boolean := key_ended and key.status <> 'success';
  has_ended constant boolean := status in ('success', 'error', 'canceled', 'crashed');
  has_failed constant boolean := has_ended and status <> 'success';
  is_contrary constant boolean := key_ended and has_ended and key_failed <> has_failed;
  -- A key from before `is_start_polled` existed has a polled start if its end was polled.
  tolerance constant interval := case
    when is_contrary or is_polled and started_at is not null and (key.is_start_polled or key.stamp collate "C" >= '40')
    then exact else skew end;
  event_at constant timestamptz := to_timestamp(nullif(substr(key.stamp, 4, 15), '')::bigint / 1000.0);
  incoming_at constant timestamptz := coalesce(finished_at, error_at, recorded_at);
  ended_at constant timestamptz := case when key_ended then coalesce(key.finished_at, event_at) end;
  is_bare_failure constant boolean := key_failed and key.started_at is null and key.finished_at is null;
  failed_at constant timestamptz := case when is_bare_failure and key.status = 'error' and event_at < key.recorded_at
    then event_at end;
  is_far constant boolean := coalesce(incoming_at not between ended_at - skew and ended_at + skew, false);
  has_same_error boolean := false;
  has_other_error boolean := false;
  unknown constant text := '00000000';
  a text;
  b text;
  is_known boolean;
  is_message_known boolean := false;
  is_full boolean := true;
  differences integer := 0;
begin
  if key.n8n_workflow_id <> workflow then
    return 0;
  end if;
  if key_failed and has_failed and key.status <> 'crashed' and status <> 'crashed' then
    for nth in 1..4 loop
      a := substr(key.error_evidence, 28 + 8 * nth, 8);
      b := substr(evidence, 28 + 8 * nth, 8);
      is_known := coalesce(a <> unknown and b <> unknown, false);
      differences := differences + (is_known and a <> b)::integer;
      is_message_known := is_message_known or nth = 1 and is_known;
      is_full := is_full and (is_known or nth = 3);
    end loop;
    differences := differences + (key.status <> status)::integer;
    has_other_error := differences > 1 or differences = 1 and (is_far
      or is_full and key.error_evidence collate "C" < '4' and evidence collate "C" < '4');
    has_same_error := differences = 0 and is_message_known;
  end if;
  if started_at between key.started_at - tolerance and key.started_at + tolerance then
    return case when has_other_error and started_at not between key.started_at - exact and key.started_at + exact
      then 0 else 5 end;
  end if;
  if is_contrary then
    -- The same run only if the failure was reported while it ran: n8n considered the run lost, but it finished.
    if key_failed then
      return case when key.started_at is null
        and coalesce(key.finished_at, failed_at, key.recorded_at)
          between started_at - skew and coalesce(finished_at, recorded_at) then 5 else 0 end;
    end if;
    return case when started_at is null and incoming_at between key.started_at - skew and ended_at then 5 else 0 end;
  end if;
  if finished_at between key.finished_at - tolerance and key.finished_at + tolerance
    or is_bare_failure and event_at between finished_at - skew and finished_at + skew
    or started_at is null and error_at between ended_at - skew and ended_at + skew then
    return case when has_other_error then 0 else 5 end;
  end if;
  if key_ended and has_ended and finished_at is not null and coalesce(key.finished_at, failed_at) is not null
    and (key.started_at is null or started_at is null) then
    return 0;
  end if;
  if started_at is null then
    return case
      when error_at > ended_at or ended_at is not null and error_at < coalesce(key.finished_at, failed_at) then 0
      when has_other_error then 0
      when key.epoch = current_epoch then case when has_same_error then 4 else 3 end
      when has_same_error and not is_far then 4
      when recorded_at < epoch_started_at then 2
      when key.status = status then 1
      else 0 end;
  end if;
  if key.epoch <> current_epoch and recorded_at < epoch_started_at is not true then
    return 0;
  end if;
  return case when case
      when key.started_at is null then key.status in ('new', 'running', 'waiting') or not has_other_error
        and started_at <= coalesce(failed_at + skew, key.recorded_at + interval '1 hour')
      else case when key.started_at < started_at then key.status else status end in ('new', 'running', 'waiting') end
    then case when key.epoch = current_epoch then 3 else 2 end
    else 0 end;
end $$;
