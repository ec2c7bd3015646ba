-- The schema after all migrations, without functions and partitions. Written by `npm run db:generate`.

create table account_links (
  id uuid not null,
  user_id uuid not null,
  purpose text not null,
  email text,
  expires_at timestamp(3) with time zone not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint account_links_pkey PRIMARY KEY (id),
  constraint account_links_purpose_check CHECK ((purpose = ANY (ARRAY['confirm-email'::text, 'undo-email'::text, 'reset-password'::text]))),
  constraint account_links_user_id_id_key UNIQUE (user_id, id),
  constraint account_links_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table account_mails (
  id uuid not null,
  user_id uuid not null,
  kind text not null,
  recipient text not null,
  link_id uuid,
  details jsonb,
  attempts integer default 0 not null,
  next_attempt_at timestamp(3) with time zone not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint account_mails_link_fkey FOREIGN KEY (user_id, link_id) REFERENCES account_links(user_id, id) ON DELETE CASCADE,
  constraint account_mails_pkey PRIMARY KEY (id),
  constraint account_mails_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table alert_channels (
  id uuid not null,
  user_id uuid not null,
  kind text not null,
  name text not null,
  target jsonb,
  key_id text generated always as (((target -> 'header'::text) ->> 'kid'::text)) stored,
  host text,
  created_at timestamp(3) with time zone default now() not null,
  constraint alert_channels_name_key UNIQUE (user_id, name),
  constraint alert_channels_pkey PRIMARY KEY (id),
  constraint alert_channels_user_id_id_key UNIQUE (user_id, id),
  constraint alert_channels_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table alert_deliveries (
  id uuid not null,
  user_id uuid not null,
  incident_id uuid not null,
  channel_id uuid not null,
  event text not null,
  state text not null,
  attempts integer default 0 not null,
  started_at timestamp(3) with time zone not null,
  next_attempt_at timestamp(3) with time zone not null,
  lease_until timestamp(3) with time zone,
  last_error text,
  delivered_at timestamp(3) with time zone,
  constraint alert_deliveries_channel_fkey FOREIGN KEY (user_id, channel_id) REFERENCES alert_channels(user_id, id) ON DELETE CASCADE,
  constraint alert_deliveries_event_key UNIQUE (incident_id, channel_id, event),
  constraint alert_deliveries_incident_fkey FOREIGN KEY (user_id, incident_id) REFERENCES alert_incidents(user_id, id) ON DELETE CASCADE,
  constraint alert_deliveries_pkey PRIMARY KEY (id)
);

create table alert_incidents (
  id uuid not null,
  user_id uuid not null,
  rule_id uuid not null,
  subject text not null,
  summary text not null,
  link text not null,
  opened_at timestamp(3) with time zone not null,
  clear_since timestamp(3) with time zone,
  resolved_at timestamp(3) with time zone,
  constraint alert_incidents_pkey PRIMARY KEY (id),
  constraint alert_incidents_rule_fkey FOREIGN KEY (user_id, rule_id) REFERENCES alert_rules(user_id, id) ON DELETE CASCADE,
  constraint alert_incidents_user_id_id_key UNIQUE (user_id, id)
);

create table alert_rules (
  id uuid not null,
  user_id uuid not null,
  kind text not null,
  workflow_id uuid,
  instance_id uuid,
  credential_id uuid,
  parameters jsonb not null,
  channel_ids uuid[] not null,
  enabled boolean default true not null,
  muted_until timestamp(3) with time zone,
  version integer default 1 not null,
  evaluated_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint alert_rules_credential_fkey FOREIGN KEY (user_id, credential_id) REFERENCES credentials(user_id, id) ON DELETE CASCADE,
  constraint alert_rules_instance_fkey FOREIGN KEY (user_id, instance_id) REFERENCES instances(user_id, id) ON DELETE CASCADE,
  constraint alert_rules_pkey PRIMARY KEY (id),
  constraint alert_rules_user_id_id_key UNIQUE (user_id, id),
  constraint alert_rules_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint alert_rules_workflow_fkey FOREIGN KEY (user_id, workflow_id) REFERENCES workflows(user_id, id) ON DELETE CASCADE
);

create table api_token_secrets (
  hash text not null,
  user_id uuid not null,
  token_id uuid not null,
  valid_until timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  scopes text[],
  constraint api_token_secrets_pkey PRIMARY KEY (hash),
  constraint api_token_secrets_token_fkey FOREIGN KEY (user_id, token_id) REFERENCES api_tokens(user_id, id) ON DELETE CASCADE
);

create table api_token_uses (
  token_id uuid not null,
  user_id uuid not null,
  last_used_at timestamp(3) with time zone,
  minute integer default 0 not null,
  requests integer default 0 not null,
  constraint api_token_uses_pkey PRIMARY KEY (token_id),
  constraint api_token_uses_token_fkey FOREIGN KEY (user_id, token_id) REFERENCES api_tokens(user_id, id) ON DELETE CASCADE
);

create table api_tokens (
  id uuid not null,
  user_id uuid not null,
  name text not null,
  kind text not null,
  scopes text[] not null,
  hint text not null,
  requests_per_minute integer not null,
  expires_at timestamp(3) with time zone,
  rotated_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  is_app boolean default false not null,
  constraint api_tokens_kind_check CHECK ((kind = ANY (ARRAY['personal'::text, 'service'::text]))),
  constraint api_tokens_pkey PRIMARY KEY (id),
  constraint api_tokens_user_id_id_key UNIQUE (user_id, id),
  constraint api_tokens_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table approvals (
  id uuid not null,
  user_id uuid not null,
  token_id uuid not null,
  token_name text not null,
  agent text,
  kind text not null,
  subject_id uuid not null,
  summary text not null,
  request jsonb not null,
  details jsonb not null,
  scopes text[] not null,
  request_hash text not null,
  hash text not null,
  plan_hash text,
  status text not null,
  created_at timestamp(3) with time zone default now() not null,
  expires_at timestamp(3) with time zone not null,
  decided_at timestamp(3) with time zone,
  session_id uuid,
  used_at timestamp(3) with time zone,
  constraint approvals_pkey PRIMARY KEY (id),
  constraint approvals_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'approved'::text, 'denied'::text, 'used'::text, 'expired'::text]))),
  constraint approvals_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table audit_anchors (
  user_id uuid not null,
  seq integer not null,
  hash text not null,
  signed_at timestamp(3) with time zone not null,
  signature text not null,
  constraint audit_anchors_pkey PRIMARY KEY (user_id, seq)
);

create table audit_events (
  id uuid not null,
  user_id uuid not null,
  action text not null,
  subject_id uuid,
  details jsonb,
  created_at timestamp(3) with time zone default now() not null,
  token_id uuid,
  token_name text,
  actor text,
  approval_id uuid,
  session_id uuid,
  request_id uuid,
  client_address text,
  user_agent text,
  seq integer,
  salt uuid,
  hash text,
  constraint audit_events_pkey PRIMARY KEY (id),
  constraint audit_events_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table audit_heads (
  user_id uuid not null,
  seq integer default 0 not null,
  hash text default ''::text not null,
  dropped_seq integer default 0 not null,
  dropped_hash text default ''::text not null,
  signed_seq integer default 0 not null,
  signed_at timestamp(3) with time zone,
  constraint audit_heads_pkey PRIMARY KEY (user_id)
);

create table credentials (
  id uuid not null,
  user_id uuid not null,
  service text not null,
  n8n_credential_type text not null,
  name text not null,
  credential_data jsonb not null,
  key_id text generated always as (((credential_data -> 'header'::text) ->> 'kid'::text)) stored not null,
  field_names text[] not null,
  known boolean not null,
  status text default 'untested'::text not null,
  last_validated_at timestamp(3) with time zone,
  validation_error text,
  version integer default 1 not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint credentials_name_key UNIQUE (user_id, n8n_credential_type, name),
  constraint credentials_pkey PRIMARY KEY (id),
  constraint credentials_status_check CHECK ((status = ANY (ARRAY['untested'::text, 'valid'::text, 'invalid'::text]))),
  constraint credentials_user_id_id_key UNIQUE (user_id, id),
  constraint credentials_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table dead_letters (
  id uuid not null,
  user_id uuid not null,
  instance_id uuid not null,
  code text not null,
  n8n_workflow_id text,
  n8n_execution_id text,
  body text not null,
  body_hash text not null,
  size_bytes integer not null,
  deliveries integer default 1 not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint dead_letters_body_key UNIQUE (instance_id, body_hash),
  constraint dead_letters_instance_fkey FOREIGN KEY (user_id, instance_id) REFERENCES instances(user_id, id) ON DELETE CASCADE,
  constraint dead_letters_pkey PRIMARY KEY (id)
);

create table deployment_versions (
  deployment_id uuid not null,
  sequence integer not null,
  user_id uuid not null,
  version integer not null,
  created_at timestamp(3) with time zone default now() not null,
  n8n_version_id text,
  bindings jsonb,
  constraint deployment_versions_deployment_fkey FOREIGN KEY (user_id, deployment_id) REFERENCES deployments(user_id, id) ON DELETE CASCADE,
  constraint deployment_versions_pkey PRIMARY KEY (deployment_id, sequence)
);

create table deployments (
  id uuid not null,
  user_id uuid not null,
  workflow_id uuid not null,
  instance_id uuid not null,
  version integer not null,
  n8n_workflow_id text,
  status text not null,
  step text,
  error text,
  bindings jsonb default '[]'::jsonb not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  managed boolean default false not null,
  report_success boolean default false not null,
  intent jsonb,
  lease_owner uuid,
  lease_until timestamp(3) with time zone,
  attempts integer default 0 not null,
  deployed_hash text,
  n8n_version_id text,
  live_since timestamp(3) with time zone,
  drift_checked_at timestamp(3) with time zone,
  drifted_since timestamp(3) with time zone,
  settings_before jsonb,
  reports_errors boolean default true not null,
  calls text[] default '{}'::text[] not null,
  endpoints text[],
  variables jsonb,
  clean_up_at timestamp(3) with time zone,
  constraint deployments_instance_fkey FOREIGN KEY (user_id, instance_id) REFERENCES instances(user_id, id) ON DELETE CASCADE,
  constraint deployments_n8n_workflow_key UNIQUE (instance_id, n8n_workflow_id),
  constraint deployments_pkey PRIMARY KEY (id),
  constraint deployments_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'deploying'::text, 'tracking'::text, 'active'::text, 'inactive'::text, 'failed'::text, 'undeployed'::text]))),
  constraint deployments_user_id_id_key UNIQUE (user_id, id),
  constraint deployments_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint deployments_workflow_fkey FOREIGN KEY (user_id, workflow_id) REFERENCES workflows(user_id, id) ON DELETE CASCADE
);

create table environments (
  id uuid not null,
  user_id uuid not null,
  name text not null,
  is_production boolean default false not null,
  variables jsonb default '{}'::jsonb not null,
  credentials jsonb default '[]'::jsonb not null,
  version integer default 1 not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint environments_name_key UNIQUE (user_id, name),
  constraint environments_pkey PRIMARY KEY (id),
  constraint environments_production_check CHECK (((name <> 'production'::text) OR is_production)),
  constraint environments_user_id_id_key UNIQUE (user_id, id),
  constraint environments_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table erased_audit_events (
  id uuid not null,
  user_id uuid not null,
  seq integer not null,
  action text not null,
  subject_id uuid,
  actor text,
  token_id uuid,
  approval_id uuid,
  session_id uuid,
  request_id uuid,
  created_at timestamp(3) with time zone not null,
  digest text not null,
  hash text not null,
  erased_at timestamp(3) with time zone default now() not null,
  constraint erased_audit_events_pkey PRIMARY KEY (id)
);

create table error_group_states (
  user_id uuid not null,
  fingerprint text not null,
  state text not null,
  fixed_workflow_id uuid,
  fixed_version integer,
  changed_at timestamp(3) with time zone not null,
  constraint error_group_states_pkey PRIMARY KEY (user_id, fingerprint),
  constraint error_group_states_state_check CHECK ((state = ANY (ARRAY['resolved'::text, 'ignored'::text]))),
  constraint error_group_states_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint error_group_states_workflow_fkey FOREIGN KEY (user_id, fixed_workflow_id) REFERENCES workflows(user_id, id) ON DELETE SET NULL (fixed_workflow_id)
);

create table error_groups (
  user_id uuid not null,
  fingerprint text not null,
  recorded_month date not null,
  node text,
  error_class text,
  http_status integer,
  message text not null,
  constraint error_groups_pkey PRIMARY KEY (user_id, fingerprint, recorded_month)
);

create table error_stats (
  user_id uuid not null,
  deployment_id uuid not null,
  workflow_id uuid not null,
  instance_id uuid not null,
  recorded_month date not null,
  workflow_version integer not null,
  grain text not null,
  at timestamp(3) with time zone not null,
  fingerprint text not null,
  runs integer default 0 not null,
  kind text default 'production'::text not null,
  constraint error_stats_pkey PRIMARY KEY (user_id, grain, at, fingerprint, deployment_id, workflow_version, kind, recorded_month)
) with (fillfactor=80);

create table execution_backfill (
  is_only boolean default true not null,
  before_id uuid not null,
  constraint execution_backfill_only_check CHECK (is_only),
  constraint execution_backfill_pkey PRIMARY KEY (is_only)
);

create table execution_changes (
  id bigint generated always as identity not null,
  user_id uuid not null,
  deployment_id uuid not null,
  workflow_id uuid not null,
  instance_id uuid not null,
  workflow_version integer not null,
  recorded_at timestamp(3) with time zone not null,
  sign smallint not null,
  status text not null,
  started_at timestamp(3) with time zone,
  finished_at timestamp(3) with time zone,
  error_fingerprint text,
  node_names text[],
  node_counts integer[],
  kind text default 'production'::text not null,
  duration_ms bigint,
  usage jsonb,
  constraint execution_changes_pkey PRIMARY KEY (user_id, id)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=20000);

create table execution_horizon (
  is_only boolean default true not null,
  month date not null,
  is_pending boolean default false not null,
  constraint execution_horizon_only_check CHECK (is_only),
  constraint execution_horizon_pkey PRIMARY KEY (is_only)
);

create table execution_keys (
  instance_id uuid not null,
  n8n_execution_id text not null,
  id uuid not null,
  recorded_at timestamp(3) with time zone not null,
  user_id uuid not null,
  status text not null,
  stamp text not null,
  started_at timestamp(3) with time zone,
  finished_at timestamp(3) with time zone,
  previous_status text,
  previous_started_at timestamp(3) with time zone,
  previous_finished_at timestamp(3) with time zone,
  epoch integer default 1 not null,
  is_start_polled boolean default false not null,
  n8n_version_id text,
  retry_of text,
  is_retry_pending boolean default false not null,
  is_refused boolean default false not null,
  n8n_workflow_id text,
  error_evidence text,
  constraint execution_keys_pkey PRIMARY KEY (instance_id, n8n_execution_id, epoch)
);

create table execution_stats (
  user_id uuid not null,
  deployment_id uuid not null,
  workflow_id uuid not null,
  instance_id uuid not null,
  recorded_month date not null,
  workflow_version integer not null,
  grain text not null,
  at timestamp(3) with time zone not null,
  new integer default 0 not null,
  running integer default 0 not null,
  waiting integer default 0 not null,
  success integer default 0 not null,
  error integer default 0 not null,
  canceled integer default 0 not null,
  crashed integer default 0 not null,
  unknown integer default 0 not null,
  durations numeric default '0'::numeric not null,
  kind text default 'production'::text not null,
  constraint execution_stats_pkey PRIMARY KEY (user_id, grain, at, workflow_id, deployment_id, workflow_version, kind, recorded_month)
) with (fillfactor=80);

create table execution_values (
  id uuid not null,
  user_id uuid not null,
  workflow_id uuid not null,
  recorded_at timestamp(3) with time zone not null,
  expires_at timestamp(3) with time zone not null,
  sealed jsonb not null,
  key_id text generated always as (((sealed -> 'header'::text) ->> 'kid'::text)) stored,
  stamp text not null,
  constraint execution_values_pkey PRIMARY KEY (id),
  constraint execution_values_storage_fkey FOREIGN KEY (user_id, workflow_id) REFERENCES value_storage(user_id, workflow_id) ON DELETE CASCADE
);

create table executions (
  id uuid not null,
  recorded_at timestamp(3) with time zone not null,
  user_id uuid not null,
  instance_id uuid not null,
  workflow_id uuid not null,
  workflow_version integer not null,
  deployment_id uuid not null,
  n8n_execution_id text not null,
  status text not null,
  mode text,
  started_at timestamp(3) with time zone,
  finished_at timestamp(3) with time zone,
  error_message text,
  error_node text,
  error_stamp text,
  data jsonb,
  data_stamp text,
  updated_at timestamp(3) with time zone default now() not null,
  error_fingerprint text,
  error_http_status integer,
  previous_error_fingerprint text,
  previous_data jsonb,
  previous_data_stamp text,
  workflow_version_source text default 'time'::text not null,
  n8n_workflow_version_id text,
  kind text default 'production'::text not null,
  retry_of text,
  retry_of_id uuid,
  retried_by_id uuid,
  waited boolean default false not null,
  active_ms bigint,
  previous_workflow_version integer,
  previous_kind text,
  previous_duration_ms bigint,
  usage jsonb,
  usage_stamp text,
  previous_usage jsonb,
  previous_usage_stamp text,
  constraint executions_pkey PRIMARY KEY (id, recorded_at)
) partition by RANGE (recorded_at);

create table flowkeep_migrations (
  "position" integer not null,
  name text not null,
  hash text not null,
  applied_at timestamp with time zone default now() not null,
  constraint flowkeep_migrations_name_key UNIQUE (name),
  constraint flowkeep_migrations_pkey PRIMARY KEY ("position")
);

create table idempotency_keys (
  user_id uuid not null,
  key text not null,
  route text not null,
  body_hash text not null,
  resource_id uuid not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint idempotency_keys_pkey PRIMARY KEY (user_id, key, route),
  constraint idempotency_keys_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table incidents (
  id uuid not null,
  user_id uuid not null,
  instance_id uuid not null,
  workflow_id uuid not null,
  workflow_version integer not null,
  deployment_id uuid not null,
  n8n_workflow_id text not null,
  source text not null,
  mode text,
  message text not null,
  node text,
  error_class text,
  http_status integer,
  fingerprint text not null,
  message_pattern text not null,
  occurred_at timestamp(3) with time zone not null,
  delivery_hash text not null,
  deliveries integer default 1 not null,
  constraint incidents_delivery_key UNIQUE (instance_id, delivery_hash),
  constraint incidents_pkey PRIMARY KEY (id)
);

create table instances (
  id uuid not null,
  user_id uuid not null,
  name text not null,
  base_url text not null,
  api_key jsonb not null,
  key_id text generated always as (((api_key -> 'header'::text) ->> 'kid'::text)) stored not null,
  version integer default 1 not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  status text default 'untested'::text not null,
  status_detail text,
  tested_at timestamp(3) with time zone,
  n8n_version text,
  capabilities jsonb,
  reporter_workflow_id text,
  reporter_credential_id text,
  reporter_token_id uuid,
  next_poll_at timestamp(3) with time zone default now() not null,
  poll_lease_until timestamp(3) with time zone,
  poll_failures integer default 0 not null,
  last_polled_at timestamp(3) with time zone,
  polled_through timestamp(3) with time zone,
  reporter_lease_until timestamp(3) with time zone,
  poll_cursor jsonb,
  epoch integer default 1 not null,
  epoch_started_at timestamp(3) with time zone,
  server_key text,
  otel_token_id uuid,
  otel_previous jsonb,
  environment text,
  variables jsonb default '{}'::jsonb not null,
  credentials jsonb default '[]'::jsonb not null,
  constraint instances_environment_fkey FOREIGN KEY (user_id, environment) REFERENCES environments(user_id, name) ON UPDATE CASCADE,
  constraint instances_name_key UNIQUE (user_id, name),
  constraint instances_pkey PRIMARY KEY (id),
  constraint instances_server_key UNIQUE (user_id, server_key),
  constraint instances_status_check CHECK ((status = ANY (ARRAY['untested'::text, 'ok'::text, 'limited'::text, 'unreachable'::text, 'refused'::text]))),
  constraint instances_user_id_id_key UNIQUE (user_id, id),
  constraint instances_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table job_runs (
  part text not null,
  last_started_at timestamp(3) with time zone not null,
  last_finished_at timestamp(3) with time zone not null,
  last_succeeded_at timestamp(3) with time zone,
  last_error text,
  items bigint,
  constraint job_runs_pkey PRIMARY KEY (part)
);

create table key_checks (
  key_id text not null,
  sealed jsonb not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint key_checks_pkey PRIMARY KEY (key_id)
);

create table login_throttles (
  bucket text not null,
  failures integer not null,
  last_failed_at timestamp(3) with time zone not null,
  blocked_until timestamp(3) with time zone,
  constraint login_throttles_pkey PRIMARY KEY (bucket)
);

create table model_prices (
  user_id uuid not null,
  model text not null,
  input double precision not null,
  output double precision not null,
  cached double precision,
  written double precision,
  constraint model_prices_pkey PRIMARY KEY (user_id, model),
  constraint model_prices_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table node_stats (
  user_id uuid not null,
  deployment_id uuid not null,
  workflow_id uuid not null,
  instance_id uuid not null,
  recorded_month date not null,
  workflow_version integer not null,
  node_type text not null,
  node_name text not null,
  at timestamp(3) with time zone not null,
  runs bigint default 0 not null,
  executions integer default 0 not null,
  failures integer default 0 not null,
  items bigint default 0 not null,
  total_ms bigint default 0 not null,
  durations numeric default '0'::numeric not null,
  kind text default 'production'::text not null,
  constraint node_stats_pkey PRIMARY KEY (user_id, at, workflow_id, deployment_id, workflow_version, kind, node_type, node_name, recorded_month)
) with (fillfactor=80);

create table oauth_clients (
  id text not null,
  name text not null,
  redirect_uris text[] not null,
  jwks_uri text,
  created_at timestamp(3) with time zone default now() not null,
  expires_at timestamp(3) with time zone not null,
  constraint oauth_clients_pkey PRIMARY KEY (id)
);

create table oauth_grants (
  token_id uuid not null,
  user_id uuid not null,
  client_id text not null,
  redirect_uri text not null,
  resource text not null,
  jwks_uri text,
  code_hash text not null,
  code_challenge text not null,
  code_expires_at timestamp(3) with time zone not null,
  code_used_at timestamp(3) with time zone,
  generation integer default 0 not null,
  refresh_key_id text,
  created_at timestamp(3) with time zone default now() not null,
  constraint oauth_grants_code_hash_key UNIQUE (code_hash),
  constraint oauth_grants_pkey PRIMARY KEY (token_id),
  constraint oauth_grants_token_fkey FOREIGN KEY (user_id, token_id) REFERENCES api_tokens(user_id, id) ON DELETE CASCADE
);

create table otel_spans (
  user_id uuid not null,
  instance_id uuid not null,
  part_key text not null,
  digest text not null,
  run_key text,
  spans jsonb not null,
  expires_at timestamp(3) with time zone not null,
  constraint otel_spans_instance_fkey FOREIGN KEY (user_id, instance_id) REFERENCES instances(user_id, id) ON DELETE CASCADE,
  constraint otel_spans_pkey PRIMARY KEY (instance_id, part_key, digest)
);

create table passkeys (
  id uuid not null,
  user_id uuid not null,
  credential_id text not null,
  public_key text not null,
  sign_count bigint not null,
  transports text[] not null,
  is_synced boolean not null,
  name text not null,
  last_used_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  constraint passkeys_pkey PRIMARY KEY (id),
  constraint passkeys_user_id_credential_id_key UNIQUE (user_id, credential_id),
  constraint passkeys_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table recovery_codes (
  user_id uuid not null,
  hash text not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint recovery_codes_pkey PRIMARY KEY (user_id, hash),
  constraint recovery_codes_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table release_targets (
  release_id uuid not null,
  "position" integer not null,
  user_id uuid not null,
  workflow_id uuid not null,
  instance_id uuid not null,
  version integer not null,
  is_canary boolean not null,
  status text default 'pending'::text not null,
  active boolean not null,
  plan jsonb,
  plan_hash text,
  before jsonb,
  after jsonb,
  deployment_id uuid,
  error text,
  attempts integer default 0 not null,
  lease_owner uuid,
  lease_until timestamp(3) with time zone,
  finished_at timestamp(3) with time zone,
  constraint release_targets_instance_fkey FOREIGN KEY (user_id, instance_id) REFERENCES instances(user_id, id) ON DELETE CASCADE,
  constraint release_targets_pkey PRIMARY KEY (release_id, "position"),
  constraint release_targets_release_fkey FOREIGN KEY (user_id, release_id) REFERENCES releases(user_id, id) ON DELETE CASCADE,
  constraint release_targets_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'deploying'::text, 'deployed'::text, 'unchanged'::text, 'failed'::text, 'rolling-back'::text, 'rolled-back'::text, 'rollback-failed'::text, 'kept'::text]))),
  constraint release_targets_workflow_fkey FOREIGN KEY (user_id, workflow_id) REFERENCES workflows(user_id, id) ON DELETE CASCADE
);

create table releases (
  id uuid not null,
  user_id uuid not null,
  status text not null,
  phase text default 'canary'::text not null,
  auto_start boolean not null,
  workflows jsonb not null,
  from_environment text,
  to_environment text,
  canary integer not null,
  observe_seconds integer not null,
  observe_min_runs integer not null,
  max_failure_rate double precision not null,
  max_failed_targets integer not null,
  concurrency integer not null,
  reason text,
  plan_hash text,
  token_id uuid,
  token_name text,
  scopes text[],
  observed_from timestamp(3) with time zone,
  worked_at timestamp(3) with time zone,
  started_at timestamp(3) with time zone,
  finished_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  constraint releases_phase_check CHECK ((phase = ANY (ARRAY['canary'::text, 'observing'::text, 'rest'::text]))),
  constraint releases_pkey PRIMARY KEY (id),
  constraint releases_status_check CHECK ((status = ANY (ARRAY['planning'::text, 'planned'::text, 'running'::text, 'halted'::text, 'completed'::text, 'rolling-back'::text, 'rolled-back'::text]))),
  constraint releases_user_id_id_key UNIQUE (user_id, id),
  constraint releases_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table remote_credentials (
  instance_id uuid not null,
  credential_id uuid not null,
  user_id uuid not null,
  n8n_credential_id text not null,
  fingerprint text,
  pushed_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  constraint remote_credentials_credential_fkey FOREIGN KEY (user_id, credential_id) REFERENCES credentials(user_id, id) ON DELETE CASCADE,
  constraint remote_credentials_instance_fkey FOREIGN KEY (user_id, instance_id) REFERENCES instances(user_id, id) ON DELETE CASCADE,
  constraint remote_credentials_n8n_key UNIQUE (instance_id, n8n_credential_id),
  constraint remote_credentials_pkey PRIMARY KEY (instance_id, credential_id)
);

create table request_counts (
  user_id uuid not null,
  class text not null,
  minute integer not null,
  requests integer not null,
  constraint request_counts_pkey PRIMARY KEY (user_id, class),
  constraint request_counts_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table sessions (
  id uuid not null,
  user_id uuid not null,
  generation integer default 1 not null,
  rotated_at timestamp(3) with time zone default now() not null,
  expires_at timestamp(3) with time zone not null,
  revoked_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  refresh_key_id text,
  access_key_id text,
  device text,
  client_address text,
  last_seen_at timestamp(3) with time zone,
  constraint sessions_pkey PRIMARY KEY (id),
  constraint sessions_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table test_runs (
  id uuid not null,
  user_id uuid not null,
  workflow_id uuid,
  instance_id uuid not null,
  version integer not null,
  status text not null,
  step text,
  error text,
  trigger text not null,
  request jsonb not null,
  n8n_workflow_id text,
  called_at timestamp(3) with time zone,
  nodes jsonb,
  duration_ms integer,
  lease_owner uuid,
  lease_until timestamp(3) with time zone,
  attempts integer default 0 not null,
  created_at timestamp(3) with time zone default now() not null,
  finished_at timestamp(3) with time zone,
  removed_at timestamp(3) with time zone,
  replay_id uuid,
  constraint test_runs_instance_fkey FOREIGN KEY (user_id, instance_id) REFERENCES instances(user_id, id) ON DELETE CASCADE,
  constraint test_runs_pkey PRIMARY KEY (id),
  constraint test_runs_status_check CHECK ((status = ANY (ARRAY['running'::text, 'passed'::text, 'failed'::text, 'error'::text]))),
  constraint test_runs_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint test_runs_workflow_fkey FOREIGN KEY (user_id, workflow_id) REFERENCES workflows(user_id, id) ON DELETE SET NULL (workflow_id)
);

create table totp_factors (
  id uuid not null,
  user_id uuid not null,
  secret jsonb not null,
  key_id text generated always as (((secret -> 'header'::text) ->> 'kid'::text)) stored,
  last_step integer default 0 not null,
  last_used_at timestamp(3) with time zone,
  confirmed_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  constraint totp_factors_pkey PRIMARY KEY (id),
  constraint totp_factors_user_id_key UNIQUE (user_id),
  constraint totp_factors_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table usage_stats (
  user_id uuid not null,
  deployment_id uuid not null,
  workflow_id uuid not null,
  instance_id uuid not null,
  recorded_month date not null,
  workflow_version integer not null,
  grain text not null,
  at timestamp(3) with time zone not null,
  model text not null,
  executions integer default 0 not null,
  calls bigint default 0 not null,
  input bigint default 0 not null,
  cached bigint default 0 not null,
  written bigint default 0 not null,
  output bigint default 0 not null,
  estimated bigint default 0 not null,
  constraint usage_stats_pkey PRIMARY KEY (user_id, grain, at, workflow_id, deployment_id, workflow_version, model, recorded_month)
);

create table used_tickets (
  user_id uuid not null,
  ticket_id uuid not null,
  expires_at timestamp(3) with time zone not null,
  constraint used_tickets_pkey PRIMARY KEY (user_id, ticket_id),
  constraint used_tickets_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

create table user_routes (
  user_id uuid not null,
  state text not null,
  email text not null,
  url text,
  instance_ids uuid[] default '{}'::uuid[] not null,
  started_at timestamp(3) with time zone default now() not null,
  moved_at timestamp(3) with time zone,
  constraint user_routes_pkey PRIMARY KEY (user_id),
  constraint user_routes_state_check CHECK ((state = ANY (ARRAY['leaving'::text, 'arriving'::text, 'moved'::text])))
);

create table users (
  id uuid not null,
  email text not null,
  name text,
  password_hash text not null,
  pepper_id text not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  deleted_at timestamp(3) with time zone,
  devices_valid_from timestamp(3) with time zone,
  email_verified_at timestamp(3) with time zone,
  constraint users_pkey PRIMARY KEY (id)
);

create table value_storage (
  workflow_id uuid not null,
  user_id uuid not null,
  retention_days integer not null,
  max_bytes integer not null,
  since timestamp(3) with time zone not null,
  constraint value_storage_pkey PRIMARY KEY (workflow_id),
  constraint value_storage_retention_days_check CHECK (((retention_days >= 1) AND (retention_days <= 30))),
  constraint value_storage_user_id_workflow_id_key UNIQUE (user_id, workflow_id),
  constraint value_storage_workflow_fkey FOREIGN KEY (user_id, workflow_id) REFERENCES workflows(user_id, id) ON DELETE CASCADE
);

create table webhook_tokens (
  id uuid not null,
  user_id uuid not null,
  instance_id uuid not null,
  label text not null,
  hash text not null,
  expires_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  constraint webhook_tokens_hash_key UNIQUE (instance_id, hash),
  constraint webhook_tokens_instance_fkey FOREIGN KEY (user_id, instance_id) REFERENCES instances(user_id, id) ON DELETE CASCADE,
  constraint webhook_tokens_pkey PRIMARY KEY (id)
);

create table workflow_sizes (
  workflow_id uuid not null,
  user_id uuid not null,
  versions integer not null,
  bytes bigint not null,
  through integer not null,
  constraint workflow_sizes_pkey PRIMARY KEY (workflow_id),
  constraint workflow_sizes_workflow_fkey FOREIGN KEY (user_id, workflow_id) REFERENCES workflows(user_id, id) ON DELETE CASCADE
);

create table workflow_versions (
  workflow_id uuid not null,
  version integer not null,
  user_id uuid not null,
  parent integer,
  name text not null,
  description text,
  prompt text,
  model text,
  tags text[] not null,
  node_count integer not null,
  node_types text[] not null,
  required_credential_types text[] not null,
  trigger_types text[] not null,
  webhook_paths text[] not null,
  workflow_data jsonb not null,
  content_hash text not null,
  created_at timestamp(3) with time zone default now() not null,
  author text default 'user'::text not null,
  endpoints text[] default '{}'::text[] not null,
  prompt_words tsvector generated always as (search_words(prompt, false)) stored not null,
  operations jsonb,
  edits text[],
  constraint workflow_versions_pkey PRIMARY KEY (workflow_id, version),
  constraint workflow_versions_workflow_fkey FOREIGN KEY (user_id, workflow_id) REFERENCES workflows(user_id, id) ON DELETE CASCADE
);

create table workflows (
  id uuid not null,
  user_id uuid not null,
  name text not null,
  description text,
  prompt text,
  model text,
  tags text[] not null,
  version integer default 1 not null,
  node_count integer not null,
  node_types text[] not null,
  required_credential_types text[] not null,
  trigger_types text[] not null,
  webhook_paths text[] not null,
  warnings jsonb not null,
  workflow_data jsonb not null,
  content_hash text not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  data_retention_days integer,
  endpoints text[] default '{}'::text[] not null,
  search tsvector generated always as (workflow_words(name, description, ((COALESCE(prompt, ''::text) || ' '::text) || "left"((jsonb_path_query_array(workflow_data, '$."nodes"[*]."name"'::jsonpath))::text, 10000)), node_types)) stored not null,
  require_replay boolean default false not null,
  constraint workflows_pkey PRIMARY KEY (id),
  constraint workflows_user_id_id_key UNIQUE (user_id, id),
  constraint workflows_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE INDEX account_links_expires_at_idx ON public.account_links USING btree (expires_at);

CREATE INDEX account_mails_due_idx ON public.account_mails USING btree (next_attempt_at);

CREATE INDEX account_mails_user_idx ON public.account_mails USING btree (user_id, link_id);

CREATE INDEX alert_channels_key_id_idx ON public.alert_channels USING btree (key_id, id);

CREATE INDEX alert_deliveries_channel_idx ON public.alert_deliveries USING btree (user_id, channel_id);

CREATE INDEX alert_deliveries_due_idx ON public.alert_deliveries USING btree (next_attempt_at) WHERE (state = 'pending'::text);

CREATE INDEX alert_deliveries_incident_idx ON public.alert_deliveries USING btree (user_id, incident_id);

CREATE INDEX alert_deliveries_user_idx ON public.alert_deliveries USING btree (user_id, id DESC);

CREATE UNIQUE INDEX alert_incidents_open_key ON public.alert_incidents USING btree (rule_id, subject) WHERE (resolved_at IS NULL);

CREATE INDEX alert_incidents_resolved_at_idx ON public.alert_incidents USING btree (resolved_at);

CREATE INDEX alert_incidents_subject_idx ON public.alert_incidents USING btree (user_id, rule_id, subject, opened_at);

CREATE INDEX alert_rules_credential_idx ON public.alert_rules USING btree (user_id, credential_id);

CREATE INDEX alert_rules_evaluated_at_idx ON public.alert_rules USING btree (evaluated_at NULLS FIRST) WHERE enabled;

CREATE INDEX alert_rules_instance_idx ON public.alert_rules USING btree (user_id, instance_id);

CREATE INDEX alert_rules_workflow_idx ON public.alert_rules USING btree (user_id, workflow_id);

CREATE INDEX api_token_secrets_token_idx ON public.api_token_secrets USING btree (user_id, token_id);

CREATE INDEX api_token_secrets_valid_until_idx ON public.api_token_secrets USING btree (valid_until);

CREATE INDEX api_token_uses_token_idx ON public.api_token_uses USING btree (user_id, token_id);

CREATE INDEX api_tokens_expires_at_idx ON public.api_tokens USING btree (expires_at);

CREATE INDEX approvals_created_at_idx ON public.approvals USING btree (created_at);

CREATE UNIQUE INDEX approvals_open_key ON public.approvals USING btree (user_id, token_id, hash) WHERE (status = ANY (ARRAY['pending'::text, 'approved'::text]));

CREATE INDEX approvals_user_id_id_idx ON public.approvals USING btree (user_id, id DESC);

CREATE INDEX audit_events_unchained_idx ON public.audit_events USING btree (user_id) WHERE (hash IS NULL);

CREATE INDEX audit_events_user_id_id_idx ON public.audit_events USING btree (user_id, id DESC);

CREATE UNIQUE INDEX audit_events_user_id_seq_key ON public.audit_events USING btree (user_id, seq);

CREATE INDEX credentials_key_id_idx ON public.credentials USING btree (key_id, id);

CREATE INDEX credentials_user_id_service_idx ON public.credentials USING btree (user_id, service);

CREATE INDEX dead_letters_created_at_idx ON public.dead_letters USING btree (created_at);

CREATE INDEX dead_letters_user_id_id_idx ON public.dead_letters USING btree (user_id, id DESC);

CREATE INDEX dead_letters_workflow_idx ON public.dead_letters USING btree (instance_id, n8n_workflow_id);

CREATE INDEX deployment_versions_user_id_created_at_idx ON public.deployment_versions USING btree (user_id, created_at);

CREATE INDEX deployment_versions_user_id_deployment_id_idx ON public.deployment_versions USING btree (user_id, deployment_id);

CREATE INDEX deployments_clean_up_at_idx ON public.deployments USING btree (clean_up_at) WHERE (clean_up_at IS NOT NULL);

CREATE INDEX deployments_drift_idx ON public.deployments USING btree (drift_checked_at NULLS FIRST) WHERE ((status = ANY (ARRAY['tracking'::text, 'active'::text, 'inactive'::text])) AND (intent IS NULL));

CREATE INDEX deployments_drifted_idx ON public.deployments USING btree (user_id, id) WHERE (drifted_since IS NOT NULL);

CREATE INDEX deployments_lease_until_idx ON public.deployments USING btree (lease_until) WHERE (intent IS NOT NULL);

CREATE UNIQUE INDEX deployments_live_key ON public.deployments USING btree (instance_id, workflow_id) WHERE (status <> ALL (ARRAY['tracking'::text, 'undeployed'::text]));

CREATE INDEX deployments_user_id_instance_id_idx ON public.deployments USING btree (user_id, instance_id);

CREATE INDEX deployments_user_id_status_idx ON public.deployments USING btree (user_id, status, id, instance_id);

CREATE INDEX deployments_user_id_workflow_id_idx ON public.deployments USING btree (user_id, workflow_id);

CREATE INDEX erased_audit_events_erased_at_idx ON public.erased_audit_events USING btree (erased_at);

CREATE UNIQUE INDEX erased_audit_events_user_id_seq_key ON public.erased_audit_events USING btree (user_id, seq);

CREATE INDEX error_group_states_workflow_idx ON public.error_group_states USING btree (user_id, fixed_workflow_id) WHERE (fixed_workflow_id IS NOT NULL);

CREATE INDEX error_groups_month_idx ON public.error_groups USING brin (recorded_month);

CREATE INDEX error_groups_words_idx ON public.error_groups USING gin (search_words((COALESCE(((http_status)::text || ' '::text), ''::text) || message), true)) WITH (fastupdate=off);

CREATE INDEX error_stats_month_idx ON public.error_stats USING brin (recorded_month);

CREATE INDEX execution_keys_open_idx ON public.execution_keys USING btree (instance_id) WHERE (status = ANY (ARRAY['new'::text, 'running'::text, 'waiting'::text]));

CREATE INDEX execution_keys_recorded_at_idx ON public.execution_keys USING brin (recorded_at);

CREATE INDEX execution_keys_retry_of_idx ON public.execution_keys USING btree (retry_of, ((instance_id)::text)) WHERE (retry_of IS NOT NULL);

CREATE INDEX execution_keys_retry_pending_idx ON public.execution_keys USING btree (instance_id) WHERE is_retry_pending;

CREATE INDEX execution_keys_user_id_idx ON public.execution_keys USING btree (user_id);

CREATE INDEX execution_stats_month_idx ON public.execution_stats USING brin (recorded_month);

CREATE INDEX execution_values_expires_at_idx ON public.execution_values USING btree (expires_at);

CREATE INDEX execution_values_key_id_idx ON public.execution_values USING btree (key_id, id);

CREATE INDEX execution_values_workflow_idx ON public.execution_values USING btree (user_id, workflow_id, recorded_at, id);

CREATE INDEX executions_data_idx ON ONLY public.executions USING btree (workflow_id, recorded_at) WHERE (data IS NOT NULL);

CREATE INDEX executions_dataless_idx ON ONLY public.executions USING btree (instance_id, recorded_at) WHERE (data_stamp IS NULL);

CREATE INDEX executions_error_idx ON ONLY public.executions USING btree (user_id, error_fingerprint, COALESCE(started_at, finished_at, recorded_at) DESC, id DESC) WHERE (error_fingerprint IS NOT NULL);

CREATE INDEX executions_error_words_idx ON ONLY public.executions USING gin (search_words(error_message, true)) WHERE (error_message IS NOT NULL);

CREATE INDEX executions_failed_idx ON ONLY public.executions USING btree (user_id, COALESCE(started_at, finished_at, recorded_at) DESC, id DESC) WHERE (status = ANY (ARRAY['error'::text, 'crashed'::text]));

CREATE INDEX executions_status_idx ON ONLY public.executions USING btree (user_id, status, COALESCE(started_at, finished_at, recorded_at) DESC, id DESC);

CREATE INDEX executions_unattributed_idx ON ONLY public.executions USING btree (deployment_id, n8n_workflow_version_id) WHERE ((workflow_version_source = 'time'::text) AND (n8n_workflow_version_id IS NOT NULL));

CREATE INDEX executions_usage_pending_idx ON ONLY public.executions USING btree (instance_id, recorded_at) WHERE (usage_stamp = '-'::text);

CREATE INDEX executions_user_idx ON ONLY public.executions USING btree (user_id, COALESCE(started_at, finished_at, recorded_at) DESC, id DESC);

CREATE INDEX executions_workflow_idx ON ONLY public.executions USING btree (workflow_id, COALESCE(started_at, finished_at, recorded_at) DESC, id DESC);

CREATE INDEX idempotency_keys_created_at_idx ON public.idempotency_keys USING btree (created_at);

CREATE INDEX incidents_fingerprint_idx ON public.incidents USING btree (user_id, fingerprint, occurred_at DESC);

CREATE INDEX incidents_occurred_at_idx ON public.incidents USING brin (occurred_at);

CREATE INDEX incidents_user_idx ON public.incidents USING btree (user_id, occurred_at DESC, id DESC);

CREATE INDEX incidents_workflow_idx ON public.incidents USING btree (workflow_id, occurred_at DESC, id DESC);

CREATE INDEX instances_environment_idx ON public.instances USING btree (user_id, environment);

CREATE INDEX instances_key_id_idx ON public.instances USING btree (key_id, id);

CREATE INDEX instances_next_poll_at_idx ON public.instances USING btree (next_poll_at);

CREATE INDEX login_throttles_last_failed_at_idx ON public.login_throttles USING btree (last_failed_at);

CREATE INDEX node_stats_month_idx ON public.node_stats USING brin (recorded_month);

CREATE INDEX oauth_clients_expires_at_idx ON public.oauth_clients USING btree (expires_at);

CREATE INDEX oauth_grants_token_idx ON public.oauth_grants USING btree (user_id, token_id);

CREATE INDEX otel_spans_expires_at_idx ON public.otel_spans USING btree (expires_at);

CREATE INDEX otel_spans_run_key_idx ON public.otel_spans USING btree (instance_id, run_key) WHERE (run_key IS NOT NULL);

CREATE INDEX otel_spans_user_id_instance_id_idx ON public.otel_spans USING btree (user_id, instance_id);

CREATE UNIQUE INDEX release_targets_active_key ON public.release_targets USING btree (instance_id, workflow_id) WHERE active;

CREATE INDEX release_targets_instance_idx ON public.release_targets USING btree (user_id, instance_id);

CREATE INDEX release_targets_release_idx ON public.release_targets USING btree (user_id, release_id);

CREATE INDEX release_targets_workflow_idx ON public.release_targets USING btree (user_id, workflow_id);

CREATE INDEX releases_due_idx ON public.releases USING btree (worked_at NULLS FIRST) WHERE (status = ANY (ARRAY['planning'::text, 'running'::text, 'rolling-back'::text]));

CREATE INDEX remote_credentials_user_id_credential_id_idx ON public.remote_credentials USING btree (user_id, credential_id);

CREATE INDEX sessions_expires_at_idx ON public.sessions USING btree (expires_at);

CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);

CREATE INDEX test_runs_created_at_idx ON public.test_runs USING btree (created_at);

CREATE INDEX test_runs_lease_until_idx ON public.test_runs USING btree (lease_until) WHERE (removed_at IS NULL);

CREATE INDEX test_runs_replay_idx ON public.test_runs USING btree (user_id, replay_id, id) WHERE (replay_id IS NOT NULL);

CREATE INDEX test_runs_user_id_instance_id_idx ON public.test_runs USING btree (user_id, instance_id);

CREATE INDEX test_runs_user_id_workflow_id_idx ON public.test_runs USING btree (user_id, workflow_id, id);

CREATE INDEX totp_factors_key_id_idx ON public.totp_factors USING btree (key_id, id);

CREATE INDEX usage_stats_month_idx ON public.usage_stats USING brin (recorded_month);

CREATE INDEX used_tickets_expires_at_idx ON public.used_tickets USING btree (expires_at);

CREATE INDEX user_routes_email_idx ON public.user_routes USING btree (lower(email));

CREATE INDEX user_routes_instance_ids_idx ON public.user_routes USING gin (instance_ids);

CREATE INDEX users_deleted_at_idx ON public.users USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);

CREATE UNIQUE INDEX users_email_key ON public.users USING btree (lower(email)) WHERE (deleted_at IS NULL);

CREATE INDEX webhook_tokens_user_id_instance_id_idx ON public.webhook_tokens USING btree (user_id, instance_id);

CREATE INDEX workflow_sizes_user_id_idx ON public.workflow_sizes USING btree (user_id, bytes);

CREATE INDEX workflow_versions_prompt_words_idx ON public.workflow_versions USING gin (prompt_words) WITH (fastupdate=off);

CREATE INDEX workflow_versions_user_id_workflow_id_idx ON public.workflow_versions USING btree (user_id, workflow_id);

CREATE INDEX workflows_many_required_idx ON public.workflows USING btree (user_id) WHERE (NOT fits_index(required_credential_types));

CREATE INDEX workflows_node_types_idx ON public.workflows USING gin (node_types);

CREATE INDEX workflows_required_by_idx ON public.workflows USING btree (user_id, required_credential_types) WHERE fits_index(required_credential_types);

CREATE INDEX workflows_required_credential_types_idx ON public.workflows USING gin (required_credential_types);

CREATE INDEX workflows_search_idx ON public.workflows USING gin (search) WITH (fastupdate=off);

CREATE INDEX workflows_tags_idx ON public.workflows USING gin (tags);

CREATE INDEX workflows_user_id_content_hash_idx ON public.workflows USING btree (user_id, content_hash);

create view error_stats_now as
 SELECT error_stats.user_id,
    error_stats.workflow_id,
    error_stats.instance_id,
    error_stats.deployment_id,
    error_stats.workflow_version,
    error_stats.kind,
    error_stats.fingerprint,
    error_stats.grain,
    error_stats.at,
    error_stats.runs
   FROM error_stats
  WHERE error_stats.recorded_month >= (( SELECT execution_horizon.month
           FROM execution_horizon))
UNION ALL
 SELECT c.user_id,
    c.workflow_id,
    c.instance_id,
    c.deployment_id,
    c.workflow_version,
    c.kind,
    e.fingerprint,
    e.grain,
    e.at,
    e.runs
   FROM execution_changes c
     CROSS JOIN LATERAL errors_of_change(c.*) e(fingerprint, grain, at, runs)
  WHERE c.recorded_at >= (( SELECT (execution_horizon.month::timestamp without time zone AT TIME ZONE 'UTC'::text) AS timezone
           FROM execution_horizon));

create view execution_stats_now as
 SELECT execution_stats.user_id,
    execution_stats.workflow_id,
    execution_stats.instance_id,
    execution_stats.deployment_id,
    execution_stats.workflow_version,
    execution_stats.kind,
    execution_stats.grain,
    execution_stats.at,
    execution_stats.new,
    execution_stats.running,
    execution_stats.waiting,
    execution_stats.success,
    execution_stats.error,
    execution_stats.canceled,
    execution_stats.crashed,
    execution_stats.unknown,
    execution_stats.durations
   FROM execution_stats
  WHERE execution_stats.recorded_month >= (( SELECT execution_horizon.month
           FROM execution_horizon))
UNION ALL
 SELECT c.user_id,
    o.workflow_id,
    o.instance_id,
    o.deployment_id,
    o.workflow_version,
    c.kind,
    o.grain,
    date_bin(o.width, s.slot, '2000-01-01 00:00:00+00'::timestamp with time zone) AS at,
    s.new,
    s.running,
    s.waiting,
    s.success,
    s.error,
    s.canceled,
    s.crashed,
    s.unknown,
    COALESCE(c.sign::numeric * duration_histogram(s.bucket), 0::numeric) AS durations
   FROM execution_changes c
     CROSS JOIN LATERAL slots_of_change(c.*) s(slot, new, running, waiting, success, error, canceled, crashed, unknown, bucket)
     CROSS JOIN LATERAL ( VALUES ('hour'::text,'01:00:00'::interval,c.workflow_id,c.instance_id,c.deployment_id,c.workflow_version), ('day'::text,'1 day'::interval,c.workflow_id,c.instance_id,c.deployment_id,c.workflow_version), ('10min'::text,'00:10:00'::interval,'00000000-0000-0000-0000-000000000000'::uuid,'00000000-0000-0000-0000-000000000000'::uuid,'00000000-0000-0000-0000-000000000000'::uuid,0), ('hour'::text,'01:00:00'::interval,'00000000-0000-0000-0000-000000000000'::uuid,'00000000-0000-0000-0000-000000000000'::uuid,'00000000-0000-0000-0000-000000000000'::uuid,0), ('day'::text,'1 day'::interval,'00000000-0000-0000-0000-000000000000'::uuid,'00000000-0000-0000-0000-000000000000'::uuid,'00000000-0000-0000-0000-000000000000'::uuid,0)) o(grain, width, workflow_id, instance_id, deployment_id, workflow_version)
  WHERE c.recorded_at >= (( SELECT (execution_horizon.month::timestamp without time zone AT TIME ZONE 'UTC'::text) AS timezone
           FROM execution_horizon));

create view node_stats_now as
 SELECT node_stats.user_id,
    node_stats.workflow_id,
    node_stats.instance_id,
    node_stats.deployment_id,
    node_stats.workflow_version,
    node_stats.kind,
    node_stats.node_type,
    node_stats.node_name,
    node_stats.at,
    node_stats.runs,
    node_stats.executions,
    node_stats.failures,
    node_stats.items,
    node_stats.total_ms,
    node_stats.durations
   FROM node_stats
  WHERE node_stats.recorded_month >= (( SELECT execution_horizon.month
           FROM execution_horizon))
UNION ALL
 SELECT c.user_id,
    o.workflow_id,
    o.instance_id,
    o.deployment_id,
    o.workflow_version,
    c.kind,
    node_type_of(n.node) AS node_type,
    o.node_name,
    start_of_day(n.day) AS at,
    n.runs,
    n.executions,
    n.failures,
    n.items,
    n.total_ms,
    COALESCE(n.runs::numeric * duration_histogram(n.bucket), 0::numeric) AS durations
   FROM execution_changes c
     CROSS JOIN LATERAL nodes_of_change(c.*) n(node, day, runs, executions, failures, items, total_ms, bucket)
     CROSS JOIN LATERAL ( VALUES (c.workflow_id,c.instance_id,c.deployment_id,c.workflow_version,node_name_of(n.node)), ('00000000-0000-0000-0000-000000000000'::uuid,'00000000-0000-0000-0000-000000000000'::uuid,'00000000-0000-0000-0000-000000000000'::uuid,0,''::text)) o(workflow_id, instance_id, deployment_id, workflow_version, node_name)
  WHERE c.recorded_at >= (( SELECT (execution_horizon.month::timestamp without time zone AT TIME ZONE 'UTC'::text) AS timezone
           FROM execution_horizon));

create view usage_stats_now as
 SELECT usage_stats.user_id,
    usage_stats.workflow_id,
    usage_stats.instance_id,
    usage_stats.deployment_id,
    usage_stats.workflow_version,
    usage_stats.grain,
    usage_stats.at,
    usage_stats.model,
    usage_stats.executions,
    usage_stats.calls,
    usage_stats.input,
    usage_stats.cached,
    usage_stats.written,
    usage_stats.output,
    usage_stats.estimated
   FROM usage_stats
  WHERE usage_stats.recorded_month >= (( SELECT execution_horizon.month
           FROM execution_horizon))
UNION ALL
 SELECT c.user_id,
    c.workflow_id,
    c.instance_id,
    c.deployment_id,
    c.workflow_version,
    u.grain,
    u.at,
    u.model,
    u.executions,
    u.calls,
    u.input,
    u.cached,
    u.written,
    u.output,
    u.estimated
   FROM execution_changes c
     CROSS JOIN LATERAL usage_of_change(c.*) u(grain, at, model, executions, calls, input, cached, written, output, estimated)
  WHERE c.recorded_at >= (( SELECT (execution_horizon.month::timestamp without time zone AT TIME ZONE 'UTC'::text) AS timezone
           FROM execution_horizon));

CREATE TRIGGER audit_events_chain BEFORE INSERT ON public.audit_events FOR EACH ROW EXECUTE FUNCTION chain_audit_event();

CREATE TRIGGER audit_events_protect BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION protect_audit_trail();

CREATE TRIGGER audit_events_protect_all BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION protect_audit_trail();

CREATE TRIGGER credentials_updated_at BEFORE UPDATE ON public.credentials FOR EACH ROW WHEN (((NOT (old.credential_data IS DISTINCT FROM new.credential_data)) OR (old.version <> new.version))) EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER deployments_drift BEFORE UPDATE ON public.deployments FOR EACH ROW WHEN ((((((old.version IS DISTINCT FROM new.version) OR (old.status IS DISTINCT FROM new.status)) OR (old.intent IS DISTINCT FROM new.intent)) OR (old.deployed_hash IS DISTINCT FROM new.deployed_hash)) OR (old.n8n_workflow_id IS DISTINCT FROM new.n8n_workflow_id))) EXECUTE FUNCTION forget_drift();

CREATE TRIGGER deployments_updated_at BEFORE UPDATE ON public.deployments FOR EACH ROW WHEN (((to_jsonb(old.*) - ARRAY['drift_checked_at'::text, 'drifted_since'::text, 'clean_up_at'::text]) IS DISTINCT FROM (to_jsonb(new.*) - ARRAY['drift_checked_at'::text, 'drifted_since'::text, 'clean_up_at'::text]))) EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER environments_updated_at BEFORE UPDATE ON public.environments FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER erased_audit_events_protect BEFORE DELETE OR UPDATE ON public.erased_audit_events FOR EACH ROW EXECUTE FUNCTION protect_audit_trail();

CREATE TRIGGER erased_audit_events_protect_all BEFORE TRUNCATE ON public.erased_audit_events FOR EACH STATEMENT EXECUTE FUNCTION protect_audit_trail();

CREATE TRIGGER instances_production BEFORE INSERT OR UPDATE OF environment ON public.instances FOR EACH ROW WHEN ((new.environment = 'production'::text)) EXECUTE FUNCTION ensure_production();

CREATE TRIGGER instances_updated_at BEFORE UPDATE OF name, base_url, api_key ON public.instances FOR EACH ROW WHEN (((NOT (old.api_key IS DISTINCT FROM new.api_key)) OR (old.version <> new.version))) EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER users_audit_trail BEFORE DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION keep_audit_trail();

CREATE TRIGGER users_updated_at BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER workflows_updated_at BEFORE UPDATE ON public.workflows FOR EACH ROW EXECUTE FUNCTION set_updated_at();
