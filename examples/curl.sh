#!/bin/sh
# The main use case with curl alone: saves a workflow, adds its missing credential, reports a run, reads the success rate.
# Usage: FLOWKEEP_URL=http://127.0.0.1:8787 sh examples/curl.sh
set -eu

url="${FLOWKEEP_URL:-http://127.0.0.1:8787}"
email="curl-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')@example.com"
password="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"

# field NAME JSON: prints the first string or number with that name.
field() { printf '%s' "$2" | grep -o "\"$1\":\"\{0,1\}[^\",}]*" | head -n 1 | sed 's/^[^:]*:"\{0,1\}//'; }

# call METHOD PATH TOKEN [BODY]: prints the response; on an error, prints it to stderr and exits.
call() {
  answer="$(curl -sS --fail-with-body -X "$1" "$url$2" -H "Authorization: Bearer $3" \
    -H 'Content-Type: application/json' ${4:+--data "$4"})" || {
    printf '%s %s failed: %s\n' "$1" "$2" "$answer" >&2
    exit 1
  }
  printf '%s\n' "$answer"
}

account="$(call POST /v1/auth/register none "{\"email\":\"$email\",\"password\":\"$password\"}")"
token="$(field accessToken "$account")"
echo "Registered $email"

saved="$(call POST /v1/workflows "$token" '{
  "prompt": "Post every new order to Slack",
  "model": "example-model",
  "workflow": {
    "name": "New orders",
    "nodes": [
      { "id": "a", "name": "Order", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "position": [0, 0],
        "parameters": { "path": "orders", "httpMethod": "POST" } },
      { "id": "b", "name": "Slack", "type": "n8n-nodes-base.slack", "typeVersion": 2.3, "position": [220, 0],
        "parameters": { "select": "channel", "channelId": { "__rl": true, "mode": "name", "value": "#orders" },
                        "text": "=New order {{ $json.id }}" } }
    ],
    "connections": { "Order": { "main": [[{ "node": "Slack", "type": "main", "index": 0 }]] } },
    "settings": {}
  }
}')"
workflow="$(field id "$saved")"
echo "Saved workflow $workflow"

readiness="$(call GET "/v1/workflows/$workflow/readiness" "$token")"
echo "Ready: $(field ready "$readiness")"

call POST /v1/credentials "$token" \
  '{"type":"slackApi","name":"Team Slack","data":{"accessToken":"an-example-token"}}' > /dev/null
readiness="$(call GET "/v1/workflows/$workflow/readiness" "$token")"
echo "Ready: $(field ready "$readiness")"

instance="$(call POST /v1/instances "$token" \
  '{"name":"Production","baseUrl":"https://n8n.example.com","apiKey":"an-example-key"}')"
instance_id="$(field id "$instance")"
webhook_token="$(field webhookToken "$instance")"

# Tracks a workflow that already exists in n8n. Without n8nWorkflowId, it would be deployed.
call POST /v1/deployments "$token" \
  "{\"workflowId\":\"$workflow\",\"instanceId\":\"$instance_id\",\"n8nWorkflowId\":\"wf1\"}" > /dev/null

# A run as reported by n8n or a custom sender.
call POST "/hooks/n8n/$instance_id" "$webhook_token" \
  '{"executionId":"1","workflowId":"wf1","status":"success","startedAt":"2026-11-01T10:00:00Z"}' > /dev/null
call POST "/hooks/n8n/$instance_id" "$webhook_token" \
  '{"executionId":"2","workflowId":"wf1","status":"error","error":{"message":"channel_not_found","node":"Slack"}}' > /dev/null

summary="$(call GET "/v1/analytics/summary?workflowId=$workflow" "$token")"
echo "Success rate: $(field successRate "$summary")% of $(field total "$summary") runs"
