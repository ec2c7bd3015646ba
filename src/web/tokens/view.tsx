/** @module The list of access tokens, the form that creates one, one token, and the page that shows a token once. */
import { descriptionOf, type Scope } from '../../http/scopes.ts'
import { dayMs } from '../../lib/time.ts'
import type { ApiToken } from '../../users/token-contract.ts'
import { Card, CodeBox, Empty, Grid, KeyValues, Remark } from '../components/card.tsx'
import { Action, Button, CopyButton, LinkButton } from '../components/controls.tsx'
import { CheckField, Fieldset, Form, FormError, Hidden, SelectField, TextField } from '../components/form.tsx'
import { Status, type StatusStyle } from '../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../components/table.tsx'
import { count, type TimeFormat } from '../format.ts'
import type { FormState } from '../form-data.ts'
import { PageHead } from '../layout/page.tsx'

export const defaultDays = 90

const path = '/account/tokens'

/** In the order of the form. A test checks that it has every scope. */
export const scopeGroups: readonly (readonly [title: string, ...scopes: Scope[]])[] = [
  ['Workflows', 'workflows:read', 'workflows:write'],
  ['Tests', 'workflows:test'],
  ['Credentials', 'credentials:use', 'credentials:write'],
  ['Instances', 'instances:read', 'instances:write'],
  ['Deployments', 'deployments:read', 'deploy', 'deploy:production'],
  ['Runs', 'executions:read', 'executions:values', 'executions:write'],
  ['Alerts', 'alerts:read', 'alerts:write'],
  ['Deletion and overwriting', 'destructive'],
  ['Account', 'audit:read', 'admin'],
]

const soonMs = 7 * dayMs

function statusOf({ kind, hint, expiresAt }: ApiToken, now: Date): StatusStyle {
  if (kind === 'app' && hint === '') return { tone: 'wait', label: 'Connecting' }
  const leftMs = expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt) - now.getTime()
  if (leftMs <= 0) return { tone: 'idle', label: 'Expired', struckThrough: true }
  return leftMs <= soonMs && kind !== 'app'
    ? { tone: 'wait', label: 'Expires soon' }
    : { tone: 'ok', label: 'Active' }
}

/** How to add the MCP server to an agent. */
const ConnectAgent = ({ publicUrl }: { publicUrl: string }) => (
  <Card title="Connect an agent">
    <div class="form">
      <p class="soft">
        Claude, ChatGPT, Cursor, VS Code and others build and repair workflows. Add{' '}
        <code>{`${publicUrl}/mcp`}</code> to the agent as an MCP server, then sign in. For Claude Code, run:
      </p>
      <div class="inst-token">
        <CodeBox id="connect">{`claude mcp add --transport http flowkeep ${publicUrl}/mcp`}</CodeBox>
        <CopyButton from="#connect" small={false}>
          Copy command
        </CopyButton>
      </div>
      <p class="soft">
        <a class="link" href="/docs/guide/mcp">
          Other agents, and agents without a browser
        </a>
      </p>
    </div>
  </Card>
)

interface ListPageProps {
  publicUrl: string
  tokens: readonly ApiToken[]
  now: Date
  time: TimeFormat
}

export function ListPage({ publicUrl, tokens, now, time }: ListPageProps) {
  const apps = tokens.filter(({ kind }) => kind === 'app')
  const created = tokens.filter(({ kind }) => kind !== 'app')
  const add = (
    <LinkButton kind="primary" icon="plus" href={`${path}/new`}>
      Create token
    </LinkButton>
  )
  return (
    <>
      <PageHead
        title="Access tokens"
        meta={<span>For programs and AI agents, with limited scopes</span>}
        actions={created.length > 0 && add}
      />
      <Card label="Access tokens" flush results>
        {created.length === 0 ? (
          <Empty title="No access tokens yet." action={add}>
            A token lets a program or an AI agent use the API without your password.
          </Empty>
        ) : (
          <Table
            caption="Access tokens, newest first"
            columns={[
              { label: 'Token' },
              { label: 'State' },
              { label: 'Expires', numeric: true },
              { label: 'Last used', numeric: true },
            ]}
          >
            {created.map((token) => (
              <TokenRow token={token} now={now} time={time} />
            ))}
          </Table>
        )}
      </Card>
      {apps.length > 0 && (
        <Card title="Connected apps" flush>
          <Table
            caption="Connected apps, newest first"
            columns={[
              { label: 'App' },
              { label: 'State' },
              { label: 'Expires unless used', numeric: true },
              { label: 'Last used', numeric: true },
            ]}
          >
            {apps.map((token) => (
              <TokenRow token={token} now={now} time={time} />
            ))}
          </Table>
        </Card>
      )}
      <ConnectAgent publicUrl={publicUrl} />
    </>
  )
}

const TokenRow = ({ token, now, time }: { token: ApiToken; now: Date; time: TimeFormat }) => (
  <Tr>
    <Td>
      <NameCell href={`${path}/${token.id}`} name={token.name} note={token.scopes.join(', ')} />
    </Td>
    <Td phone="end">
      <Status {...statusOf(token, now)} />
    </Td>
    <Td numeric phone="line">
      <Expiry token={token} time={time} />
    </Td>
    <Td numeric phone="hide">
      <LastUse token={token} time={time} />
    </Td>
  </Tr>
)

const Expiry = ({ token, time }: { token: ApiToken; time: TimeFormat }) =>
  token.expiresAt === null ? (
    <span class="muted">never</span>
  ) : (
    <Time at={token.expiresAt} format={time} as="day" />
  )

const LastUse = ({ token, time }: { token: ApiToken; time: TimeFormat }) =>
  token.lastUsedAt === null ? (
    <span class="muted">never</span>
  ) : (
    <Time at={token.lastUsedAt} format={time} as="relative" />
  )

const ScopeFields = ({ scopes }: { scopes: readonly string[] }) => (
  <>
    {scopeGroups.map(([title, ...group]) => (
      <Fieldset legend={title}>
        {group.map((scope) => (
          <CheckField
            name="scopes"
            id={`scope-${scope.replace(':', '-')}`}
            value={scope}
            checked={scopes.includes(scope)}
            label={
              <>
                <code>{scope}</code> <span class="soft">{descriptionOf(scope)}</span>
              </>
            }
          />
        ))}
      </Fieldset>
    ))}
  </>
)

interface ScopesPageProps {
  token: ApiToken
  scopes: readonly string[]
  error: string | undefined
}

export const ScopesPage = ({ token: { id, name }, scopes, error }: ScopesPageProps) => (
  <>
    <PageHead title={`Scopes of ${name}`} />
    <Grid>
      <Card span={8} label="Scopes">
        <Form action={`${path}/${id}/scopes`} page={`${path}/${id}/scopes`}>
          <ScopeFields scopes={scopes} />
          <FormError>{error}</FormError>
          <div class="actions">
            <Button kind="primary">Save scopes</Button>
            <LinkButton href={`${path}/${id}`}>Cancel</LinkButton>
          </div>
        </Form>
      </Card>
      <Card span={4} title="When it applies">
        <p class="soft">
          The token itself stays the same. Other servers use the new scopes within 5 seconds.
        </p>
      </Card>
    </Grid>
  </>
)

export interface NewPageProps extends FormState {
  scopes: readonly string[]
}

export const NewPage = ({ values, scopes, errors }: NewPageProps) => (
  <>
    <PageHead title="Create access token" />
    <Grid>
      <Card span={8} label="Access token">
        <Form action={path} page={`${path}/new`}>
          <Hidden name="once" value={crypto.randomUUID()} />
          <TextField
            name="name"
            label="Name"
            value={values.name ?? ''}
            error={errors.name}
            required
            maxlength={100}
            focus={Object.keys(errors).length === 0}
            hint="Where it is used, such as Build agent. Audit events show it."
          />
          <SelectField
            name="kind"
            label="For"
            value={values.kind ?? ''}
            error={errors.kind}
            options={[
              ['personal', 'A person'],
              ['service', 'A machine'],
            ]}
          />
          <SelectField
            name="days"
            label="Expires"
            value={values.days ?? ''}
            error={errors.days ?? errors.expiresAt}
            hint="Only tokens for machines can have no expiry."
            options={[
              ['7', 'In 7 days'],
              ['30', 'In 30 days'],
              [String(defaultDays), 'In 90 days'],
              ['180', 'In 180 days'],
              ['365', 'In a year'],
              ['', 'Never'],
            ]}
          />
          <ScopeFields scopes={scopes} />
          <FormError>{errors.scopes ?? errors['']}</FormError>
          <div class="actions">
            <Button kind="primary">Create token</Button>
            <LinkButton href={path}>Cancel</LinkButton>
          </div>
        </Form>
      </Card>
      <Card span={4} title="Limit the scopes">
        <div class="stack">
          <p class="soft">Scopes do not include each other: to read and change workflows, select both.</p>
          <p class="soft">
            Without <code>deploy:production</code> and <code>destructive</code>, a token must ask for your
            approval before it deploys to production, deletes or overwrites.
          </p>
          <p class="soft">No scope reveals the data of credentials.</p>
        </div>
      </Card>
    </Grid>
  </>
)

/** The host that publishes an app's metadata document. Registered apps have none. */
const publisherOf = (clientId: string | null) =>
  clientId !== null && URL.canParse(clientId) ? new URL(clientId).host : 'Unverified'

const RotateCard = ({ id }: { id: string }) => (
  <Card title="Rotate">
    <Form action={`${path}/${id}/rotate`} page={`${path}/${id}`}>
      <p class="soft">
        Creates a new token with the same scopes and lifetime. It is shown once, on the next page.
      </p>
      <SelectField
        name="overlap"
        label="Overlap"
        value="86400"
        hint="How long the current token keeps working."
        options={[
          ['86400', '24 hours'],
          ['3600', '1 hour'],
          ['604800', '7 days'],
          ['0', 'None: it has leaked'],
        ]}
      />
      <div class="actions">
        <Button>Rotate</Button>
      </div>
    </Form>
  </Card>
)

export function TokenPage({ token, now, time }: { token: ApiToken; now: Date; time: TimeFormat }) {
  const { id, name, kind, scopes, hint, requestsPerMinute, clientId, rotatedAt, createdAt } = token
  const isApp = kind === 'app'
  return (
    <>
      <PageHead
        title={name}
        meta={<Status {...statusOf(token, now)} />}
        actions={<LinkButton href={`${path}/${id}/scopes`}>Change scopes</LinkButton>}
      />
      <Grid>
        <Card span={6} title={isApp ? 'App' : 'Token'}>
          <KeyValues
            items={[
              ...(isApp
                ? [['Publisher', publisherOf(clientId)] as const]
                : [
                    ['Token', <code>fk_…{hint}</code>] as const,
                    ['For', kind === 'service' ? 'A machine' : 'A person'] as const,
                  ]),
              [
                'Scopes',
                <ul>
                  {scopes.map((scope) => (
                    <li>
                      <code>{scope}</code>
                    </li>
                  ))}
                </ul>,
              ],
              ['Limit', `${count(requestsPerMinute)} requests per minute`],
              [isApp ? 'Expires unless used' : 'Expires', <Expiry token={token} time={time} />],
              ['Last used', <LastUse token={token} time={time} />],
              rotatedAt === null || isApp ? null : ['Rotated', <Time at={rotatedAt} format={time} />],
              [isApp ? 'Connected' : 'Created', <Time at={createdAt} format={time} />],
            ]}
          />
        </Card>
        <div class="stack span-6">
          {!isApp && <RotateCard id={id} />}
          <Card title={isApp ? 'Disconnect' : 'Revoke'}>
            <p class="soft">
              {isApp
                ? 'The app loses access. You can connect it again.'
                : 'Programs that use the token lose access. This cannot be undone.'}
            </p>
            <Action
              action={`${path}/${id}/revoke`}
              kind="danger"
              icon="trash"
              confirm={isApp ? `Disconnect ${name}?` : `Revoke ${name}? Programs that use it lose access.`}
            >
              {isApp ? 'Disconnect' : 'Revoke'}
            </Action>
          </Card>
        </div>
      </Grid>
    </>
  )
}

/** The only page that shows the token. */
export const TokenShownPage = ({
  name,
  token,
  isRotated,
}: {
  name: string
  token: string
  isRotated: boolean
}) => (
  <>
    <PageHead title={name} />
    <Grid>
      <Card span={8} title="Copy it now" note="shown only once">
        <div class="form">
          <div class="inst-token">
            <CodeBox id="token">{token}</CodeBox>
            <CopyButton from="#token" small={false}>
              Copy token
            </CopyButton>
          </div>
          <p class="soft">
            Send it as <code>Authorization: Bearer …</code>, or set <code>FLOWKEEP_TOKEN</code> for the
            command line and for agents.
          </p>
          {isRotated && <Remark>Replace the earlier token where it is used before the overlap ends.</Remark>}
          <div class="actions">
            <LinkButton href={path} kind="primary">
              Done
            </LinkButton>
          </div>
        </div>
      </Card>
    </Grid>
  </>
)
