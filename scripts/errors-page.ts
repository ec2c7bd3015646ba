/** @module The page `docs/errors.md`: every error code with its status, its title and what to do. */
import { resolve } from 'node:path'
import type { ErrorCode } from '../src/errors.ts'
import { errorCodes, statusOf, titleOf } from '../src/http/problem.ts'

export const errorsPath = resolve(import.meta.dirname, '../docs/errors.md')

/** The causes of a code, and what to do. */
const fixes = {
  'malformed-json': 'The body is not valid JSON in UTF-8. Send JSON, without trailing commas or comments.',
  unauthenticated:
    'The token is missing, invalid, expired or revoked. Send `Authorization: Bearer <token>`. A session token lasts 5 minutes; `POST /v1/auth/refresh` renews it. An [access token](tokens.md) starts with `fk_`.',
  'bad-credentials':
    'Check the email address and the password. The operator can set a new password with `npm run flowkeep -- users reset-password <email>`.',
  'invalid-refresh-token':
    'Sign in again. A refresh token works once. Using one a second time ends its session, because it may have been stolen.',
  'invalid-second-factor':
    'Send the current code of the authenticator app, an unused recovery code, or a passkey of the account. Each code works once. Without any of them, see [lost devices](sign-in.md#if-you-lose-your-device).',
  'sign-in-expired':
    'Sign in with the password again. The token for the second step is valid once, for five minutes, and ends when the password changes.',
  'second-factor-required':
    'After the password, send `secondFactor.token` with a code, a recovery code or a passkey to `POST /v1/auth/second-factor`. To change second factors, repeat the request with one of them; see [sign in securely](sign-in.md).',
  'insufficient-scope':
    'The access token lacks the scope in `requiredScope`. Add it with `PATCH /v1/tokens/{id}`, or use another token; see [access tokens](tokens.md).',
  'approval-required':
    'A person must approve the request at `approveUrl`. Then send exactly the same request again, before `expiresAt`. Or use a token with `requiredScopes`; see [approvals](tokens.md#approvals).',
  'approval-denied':
    'A person denied the request. Ask them what to do instead; the token can ask again after `expiresAt`.',
  'quota-exceeded':
    'The account has reached the limit that `detail` names. Delete some items, or raise the `QUOTA_…` setting; see [limits](limits.md).',
  'cross-origin':
    'The form was submitted from another origin. `PUBLIC_URL` must be the URL in the browser, including the scheme and the port.',
  'not-found': 'Check the ID and the path. Resources of other users also return this error.',
  'method-not-allowed': 'Use a method in the `Allow` header of the response.',
  conflict:
    '`detail` names the conflict. Read the resource again, and repeat the change if it still applies.',
  'email-taken': 'Sign in to the existing account, or use another email address.',
  'name-taken': 'Choose another name. `detail` says which name is in use.',
  'deployment-exists':
    'The workflow is already deployed to this instance. Use that deployment; the response contains its ID.',
  'instance-exists': 'An instance with this URL exists. Use it, or change its API key.',
  'in-use': '`detail` lists what uses the resource. Remove that first.',
  'version-conflict':
    'Another client changed the resource. Read it again, apply your change to the new version, and send its `ETag` as `If-Match`.',
  'too-large':
    'Send a smaller body. Workflows can be up to 2 MB, reports up to 4 MB and other bodies up to 64 KB.',
  'unsupported-media-type': 'Send `Content-Type: application/json`.',
  invalid:
    'Correct each field in `errors`. `pointer` is its JSON pointer in the body, or the name of a parameter.',
  'invalid-workflow':
    'Correct the locations listed in `errors`. The body must be a workflow as n8n exports it: an object with `nodes` and `connections`.',
  'invalid-edit':
    'Correct the operation at `operation.index`. `detail` says what is wrong with it; [edits](edits.md) lists the codes. Nothing was stored.',
  'deployment-blocked':
    'n8n would refuse to publish the workflow, or the workflow requires a [replay](testing.md#require-a-replay). Fix each entry of `problems`, or send `force` with a reason to deploy it anyway. If `n8nVersion` is not the version of your n8n, set it with `PATCH /v1/instances/{id}`.',
  'idempotency-key-reused':
    'This `Idempotency-Key` was sent with a different body. Use a new key for each new request.',
  'url-not-allowed':
    'Use a public https URL. To connect an n8n server in your own network, see `ALLOW_PRIVATE_NETWORKS` in [configuration](configuration.md).',
  'precondition-required':
    'Send `If-Match` with the `ETag` of the version that you read, or `*` to overwrite any version.',
  'too-many-requests':
    'Wait for the number of seconds in the `Retry-After` header. `requestsPerMinute` is the limit that was reached, `requestClass` its class; without a class, it is the limit of the access token. See [limits](limits.md).',
  internal:
    'The server failed unexpectedly. Its log contains the cause under the `requestId` of the response.',
  'credential-undecryptable':
    'The configured key is not the one that encrypted the secret. Restore the original key in `CREDENTIAL_KEYS`, or enter the secret again; see [keys](keys.md).',
  'values-undecryptable':
    'The stored values of the execution were changed, or the configured key is not the one that encrypted them. The execution itself is readable. To delete the values, turn off value storage for the workflow; see [stored values](runs.md#stored-values).',
  'key-unavailable':
    'The server lacks the key that encrypted the secret, or cannot reach the KMS that wraps it. `npm run flowkeep -- keys status` names the missing keys; see [keys](keys.md).',
  'database-unavailable':
    'Wait for the number of seconds in `Retry-After`. If the error persists, `/health/ready` returns the reason; see the [runbook](runbooks.md#flowkeepdatabasedown).',
  'account-moving':
    'The account is being moved to another server and is read-only. Repeat the request after the number of seconds in `Retry-After`; see [moving accounts](move-accounts.md).',
  'account-moved':
    'The account is on the server in `url`. Use that server; see [moving accounts](move-accounts.md).',
  'instance-unreachable':
    'Flowkeep cannot connect to n8n, or something other than n8n responded. Check the URL, DNS, the certificate and the firewall; see [connecting n8n](connect-n8n.md#if-it-does-not-connect).',
  'instance-timeout':
    'n8n accepted the connection but did not respond in time. Check its load, then repeat the request.',
  'instance-refused':
    "The API key was deleted, has expired, or lacks a scope that `detail` names. Create a new one in n8n and enter it on the instance's page.",
  'instance-redirected':
    'n8n redirected the request, often to a sign-in page. Enter the URL that it redirects to, or exempt `/api/v1` from the sign-in.',
  'instance-rejected': "`detail` quotes n8n's message. Correct the workflow or the credential that it names.",
  'instance-conflict':
    '`detail` names what already exists in n8n, such as a webhook path. Import it, or rename or delete it in n8n.',
  'instance-busy':
    'n8n is limiting requests. Repeat the request after the number of seconds in `Retry-After`.',
} satisfies Record<ErrorCode, string>

const groups: [title: string, matches: (status: number) => boolean][] = [
  ['Sign-in and permissions', (status) => status === 401 || status === 403],
  ['Requests', (status) => [400, 404, 405, 413, 415, 422, 428, 429].includes(status)],
  ['Conflicts', (status) => status === 409 || status === 412],
  ['The server', (status) => status === 500 || status === 503 || status === 421],
]
const n8nGroup = 'n8n'

const groupOf = (code: ErrorCode): string =>
  code.startsWith('instance-') && code !== 'instance-exists'
    ? n8nGroup
    : (groups.find(([, matches]) => matches(statusOf(code)))?.[0] ?? n8nGroup)

const section = (code: ErrorCode): string => `### \`${code}\`

**${statusOf(code)}, ${titleOf(code)}.** ${fixes[code]}
`

export function errorsPage(): string {
  const byGroup = Map.groupBy(errorCodes, groupOf)
  const titles = [...groups.map(([title]) => title), n8nGroup]
  return `<!-- Generated by \`npm run docs\` from src/http/problem.ts and scripts/errors-page.ts. -->

# Troubleshooting by error code

API errors are problem documents (\`application/problem+json\`, RFC 9457). Branch on \`code\`: codes are never renamed,
but new ones can be added. \`detail\` says what is wrong and how to fix it, \`errors\` lists invalid fields, and
\`requestId\` identifies the request in the server's log.

\`\`\`json
{
  "type": "about:blank",
  "title": "${titleOf('version-conflict')}",
  "status": ${statusOf('version-conflict')},
  "detail": "If-Match does not match any version of this resource. Read it again and send its ETag",
  "instance": "/v1/workflows/01934f8e-6b7c-7a10-9c3d-5e2f1a0b4c6d",
  "code": "version-conflict",
  "requestId": "0b6f1f0e-5f0e-4a53-9c7b-0d4c5a9a4b1e"
}
\`\`\`

The [API reference](/docs) lists the codes of each operation. \`npm run flowkeep -- doctor\` finds problems with an installation,
and the [runbooks](runbooks.md) describe what to do when an alert fires.

${titles.map((title) => `## ${title}\n\n${(byGroup.get(title) ?? []).map(section).join('\n')}`).join('\n')}`
}
