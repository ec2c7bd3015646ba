/** @module `/credentials/:id/push` and `/credentials/:id/replace`: its value in n8n, and another one in its place. */
import { type Context, Hono } from 'hono'
import { CredentialId } from '../../../credentials/contract.ts'
import type {
  CredentialPushResult,
  CredentialReplacementResult,
} from '../../../deployments/credential-contract.ts'
import { AppError } from '../../../errors.ts'
import { Card, Empty, Remark } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { Form, SelectField } from '../../components/form.tsx'
import { PageHead, renderPage } from '../../layout/page.tsx'
import { NameCell, Table, Td, Tr } from '../../components/table.tsx'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { plural } from '../../format.ts'
import { type Notice, redirectWith } from '../../notice.ts'
import type { CredentialPageDeps } from '../page-context.ts'

const maximumChoices = 100

type Replaced = CredentialReplacementResult['deployments'][number]

export function replacePages({ credentials, credentialPusher, credentialReplacer }: CredentialPageDeps) {
  async function replacePage(c: Context<DashboardEnv>, id: string, other: string, result?: Replaced[]) {
    const { userId } = c.var
    const credential = await credentials.find(userId, id)
    if (!credential) throw missing()
    const page = { limit: maximumChoices, after: null }
    const { items } = await credentials.list(userId, { type: credential.type }, page)
    const others = items.filter((each) => each.id !== id)
    const chosen = others.find((each) => each.id === other)
    const plan =
      result ??
      (chosen && (await credentialReplacer.replace(userId, id, other, { dryRun: true }))?.deployments)
    const path = `/credentials/${id}/replace`
    const crumbs = [
      { label: 'Credentials', href: '/credentials' },
      { label: credential.name, href: `/credentials/${id}` },
    ]
    return renderPage(
      c,
      { title: 'Replace', section: 'credentials', crumbs },
      <>
        <PageHead title={`Replace ${credential.name}`} />
        <Card title="Replace it with">
          {others.length === 0 ? (
            <Empty
              title="There is no other credential of this type."
              action={<LinkButton href={`/credentials/new/${credential.type}`}>New credential</LinkButton>}
            />
          ) : (
            <form method="get" action={path}>
              <SelectField
                {...{ name: 'with', label: 'Credential', value: other, required: true }}
                options={others.map((each) => [each.id, each.name] as const)}
              />
              <div class="actions">
                <Button>Preview</Button>
              </div>
            </form>
          )}
        </Card>
        {plan && (
          <Card title={result ? 'What was replaced' : 'What will be replaced'} flush>
            {plan.length === 0 ? (
              <Empty title="No deployment is bound to it." />
            ) : (
              <Preview deployments={plan} />
            )}
          </Card>
        )}
        {!result && chosen && plan && plan.length > 0 && (
          <Form action={path}>
            <input type="hidden" name="with" value={chosen.id} />
            <Remark>
              Each deployment is deployed again with {chosen.name} in place of {credential.name}.
            </Remark>
            <div class="actions">
              <Button kind="primary">Replace in {plural(plan.length, 'deployment')}</Button>
              <LinkButton href={`/credentials/${id}`}>Cancel</LinkButton>
            </div>
          </Form>
        )}
      </>,
    )
  }

  return new Hono<DashboardEnv>()
    .post('/:id/push', async (c) => {
      const id = idOf(c)
      const pushed = await credentialPusher.push(c.var.userId, id)
      if (!pushed) throw missing()
      const { kind, text } = verdict(pushed)
      return redirectWith(c, `/credentials/${id}`, text, kind)
    })
    .get('/:id/replace', (c) => replacePage(c, idOf(c), c.req.query('with') ?? ''))
    .post('/:id/replace', async (c) => {
      const id = idOf(c)
      const other = (await readForm(c)).get('with') ?? ''
      if (!CredentialId.safeParse({ id: other }).success) return replacePage(c, id, '')
      const replaced = await credentialReplacer.replace(c.var.userId, id, other)
      if (!replaced) throw missing()
      return replacePage(c, id, other, replaced.deployments)
    })
}

const Preview = ({ deployments }: { deployments: readonly Replaced[] }) => (
  <Table
    caption="Deployments bound to it"
    columns={[{ label: 'Workflow' }, { label: 'Instance' }, { label: 'Nodes' }, { label: 'State' }]}
  >
    {deployments.map(({ deploymentId, workflowName, instanceName, slots, status, reason }) => (
      <Tr>
        <Td>
          <NameCell href={`/deployments/${deploymentId}`} name={workflowName} />
        </Td>
        <Td phone="line">{instanceName}</Td>
        <Td phone="line">{slots.map(({ node }) => node).join(', ')}</Td>
        <Td phone="line">{reason === null ? status : `${status}: ${reason}`}</Td>
      </Tr>
    ))}
  </Table>
)

function verdict({ results }: CredentialPushResult): Notice {
  const first = results.find(({ status }) => status === 'failed')
  if (first) return { kind: 'fail', text: `Not pushed to ${first.instanceName}: ${first.reason}` }
  if (results.length === 0)
    return { kind: 'wait', text: 'No n8n has it yet. Deploy a workflow that uses it.' }
  return { kind: 'ok', text: `${plural(results.length, 'n8n server')} up to date.` }
}

/** @throws {AppError} `not-found` for what can be no id */
function idOf(c: Context): string {
  const parsed = CredentialId.safeParse({ id: c.req.param('id') })
  if (!parsed.success) throw missing()
  return parsed.data.id
}

const missing = () => new AppError('not-found', 'No such credential')
