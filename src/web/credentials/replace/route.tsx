/** @module `/credentials/:id/push` updates a credential in n8n; `/credentials/:id/replace` replaces it with another one. */
import { cutList } from '../../../lib/cut-list.ts'
import { IdParam } from '../../../lib/scalars.ts'
import { type Context, Hono } from 'hono'
import type {
  CredentialPushResult,
  CredentialReplacementResult,
} from '../../../deployments/credentials/contract.ts'
import { notFound } from '../../../errors.ts'
import { Card, Empty, Remark } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { Form, SelectField } from '../../components/form.tsx'
import { PageHead, renderPage } from '../../layout/page.tsx'
import { NameCell, Table, Td, Tr } from '../../components/table.tsx'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { cutNote, plural } from '../../format.ts'
import { type Notice, redirectWith } from '../../notice.ts'
import type { CredentialPageDeps } from '../page-context.ts'

const maxChoices = 500

type Replaced = CredentialReplacementResult['deployments'][number]

export function replacePages({ credentials, credentialPusher, credentialReplacer }: CredentialPageDeps) {
  async function replacePage(c: Context<DashboardEnv>, id: string, other: string, result?: Replaced[]) {
    const { userId } = c.var
    const credential = await credentials.find(userId, id)
    if (!credential) throw notFound('Credential')
    const isOther = (each: { id: string; type: string }) => each.type === credential.type && each.id !== id
    const page = { limit: maxChoices + 2, after: null }
    const [{ items }, chosen] = await Promise.all([
      credentials.list(userId, { type: credential.type }, page),
      IdParam.safeParse({ id: other }).success ? credentials.find(userId, other) : null,
    ])
    const replacement = chosen && isOther(chosen) ? chosen : null
    const others = cutList(
      [...(replacement ? [replacement] : []), ...items.filter((each) => isOther(each) && each.id !== other)],
      maxChoices,
    )
    const plan =
      result ??
      (replacement && (await credentialReplacer.replace(userId, id, other, { dryRun: true }))?.deployments)
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
        <Card title="Replacement">
          {others.items.length === 0 ? (
            <Empty
              title="No other credentials of this type."
              action={<LinkButton href={`/credentials/new/${credential.type}`}>Add credential</LinkButton>}
            />
          ) : (
            <form method="get" action={path}>
              <SelectField
                name={'with'}
                label={'Credential'}
                value={other}
                required={true}
                options={others.items.map((each) => [each.id, each.name] as const)}
                hint={cutNote(others)}
              />
              <div class="actions">
                <Button>Preview</Button>
              </div>
            </form>
          )}
        </Card>
        {plan && (
          <Card title={result ? 'Results' : 'Affected deployments'} flush>
            {plan.length === 0 ? (
              <Empty title="No deployments use this credential." />
            ) : (
              <Preview deployments={plan} />
            )}
          </Card>
        )}
        {!result && replacement && plan && plan.length > 0 && (
          <Form action={path}>
            <input type="hidden" name="with" value={replacement.id} />
            <Remark>
              Flowkeep redeploys each deployment with {replacement.name} instead of {credential.name}.
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
      if (!pushed) throw notFound('Credential')
      const { kind, text } = pushNotice(pushed)
      return redirectWith(c, `/credentials/${id}`, text, kind)
    })
    .get('/:id/replace', (c) => replacePage(c, idOf(c), c.req.query('with') ?? ''))
    .post('/:id/replace', async (c) => {
      const id = idOf(c)
      const other = (await readForm(c)).get('with') ?? ''
      if (!IdParam.safeParse({ id: other }).success) return replacePage(c, id, '')
      const replaced = await credentialReplacer.replace(c.var.userId, id, other)
      if (!replaced) throw notFound('Credential')
      return replacePage(c, id, other, replaced.deployments)
    })
}

const Preview = ({ deployments }: { deployments: readonly Replaced[] }) => (
  <Table
    caption="Deployments that use the credential"
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

function pushNotice({ results }: CredentialPushResult): Notice {
  const first = results.find(({ status }) => status === 'failed')
  if (first) return { kind: 'fail', text: `Not pushed to ${first.instanceName}: ${first.reason}` }
  if (results.length === 0) return { kind: 'wait', text: 'Not in n8n yet. Deploy a workflow that uses it.' }
  return { kind: 'ok', text: `Up to date on ${plural(results.length, 'instance')}.` }
}

/** @throws {AppError} `not-found` if the path has no valid ID */
function idOf(c: Context): string {
  const parsed = IdParam.safeParse({ id: c.req.param('id') })
  if (!parsed.success) throw notFound('Credential')
  return parsed.data.id
}
