/** @module Adding a server, changing it, its keys, and removing it. No secret is ever given back. */
import type { Instance } from '../../../instances/contract.ts'
import { Card, CodeBox, Grid, Remark } from '../../components/card.tsx'
import { Action, Button, CopyButton, LinkButton } from '../../components/controls.tsx'
import { CheckField, Form, FormError, TextField } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import { plural } from '../../format.ts'
import type { FormState } from '../../form-data.ts'
import type { InstanceCounts } from '../../../instances/queries.ts'

export const newFields = ['name', 'baseUrl', 'apiKey'] as const

const keyHint = 'Encrypted before it is stored, sent only to this server, never shown again.'

export const NewPage = ({ values, errors }: FormState) => (
  <>
    <PageHead title="Add n8n server" />
    <Grid>
      <Card span={6} label="The server">
        <Form action="/instances">
          <TextField
            name="name"
            label="Name"
            value={values.name ?? ''}
            error={errors.name}
            required
            maxlength={128}
            focus={Object.keys(errors).length === 0}
            hint="How it is called here, such as prod-eu-1."
          />
          <TextField
            name="baseUrl"
            label="URL"
            type="url"
            value={values.baseUrl ?? ''}
            error={errors.baseUrl}
            required
            placeholder="https://n8n.example.com"
            maxlength={2048}
            hint="Where you open n8n; a path prefix is kept."
          />
          <TextField
            name="apiKey"
            label="API key"
            type="password"
            error={errors.apiKey}
            required
            autocomplete="new-password"
            hint={keyHint}
          />
          <FormError>{errors['']}</FormError>
          <div class="actions">
            <Button kind="primary" name="test" value="yes">
              Test and add
            </Button>
            <Button name="test" value="no">
              Add without test
            </Button>
          </div>
        </Form>
      </Card>
      <Card span={6} title="Where the key comes from">
        <ol class="steps inst-steps">
          <li>In n8n, open Settings → n8n API and create an API key.</li>
          <li>
            Give it the scopes of workflows, credentials and executions: the test says which are missing.
          </li>
          <li>Paste it here. Workflows are then deployed with it, and runs are fetched every 5 minutes.</li>
        </ol>
      </Card>
    </Grid>
  </>
)

/** @param wrong by the form that was sent */
export function SettingsPage({ instance, values, errors }: FormState & { instance: Instance }) {
  const { id, name, baseUrl } = instance
  const path = `/instances/${id}`
  return (
    <>
      <PageHead title={`Settings of ${name}`} />
      <Grid>
        <div class="stack span-6">
          <Card title="Name and URL">
            <Form action={`${path}/settings`}>
              <input type="hidden" name="expected" value={instance.version} />
              <TextField
                name="name"
                label="Name"
                value={values.name ?? name}
                error={errors.name}
                required
                maxlength={128}
              />
              <TextField
                name="baseUrl"
                label="URL"
                type="url"
                value={values.baseUrl ?? baseUrl}
                error={errors.baseUrl}
                required
                maxlength={2048}
                hint="Another origin is another server: it takes the API key again, and is refused once this one has runs."
              />
              <FormError>{errors['']}</FormError>
              <div class="actions">
                <Button kind="primary">Save</Button>
              </div>
            </Form>
          </Card>
          <Card title="API key" id="key">
            <Form action={`${path}/key`}>
              <input type="hidden" name="expected" value={instance.version} />
              <TextField
                name="apiKey"
                label="New API key"
                type="password"
                autocomplete="new-password"
                error={errors.apiKey}
                required
                hint={`Tried first: one that n8n refuses changes nothing. ${keyHint}`}
              />
              <div class="actions">
                <Button>Replace the key</Button>
              </div>
            </Form>
          </Card>
        </div>
        <div class="stack span-6">
          <Card title="Webhook token" id="token">
            <p class="soft inst-text">
              What posts results to this server’s webhook signs in with it. A new one is shown once, on the
              next page; the earlier one works for another 24 hours. The error reporter gets one of its own.
            </p>
            <div class="inst-below">
              <Action action={`${path}/webhook-token`}>Make a new token</Action>
            </div>
          </Card>
          <Card title="Remove the server">
            <p class="soft inst-text">Its deployments are forgotten here; recorded runs stay.</p>
            <div class="inst-below">
              <LinkButton href={`${path}/remove`} kind="danger" icon="trash">
                Remove…
              </LinkButton>
            </div>
          </Card>
        </div>
      </Grid>
    </>
  )
}

const reporterWords = {
  none: 'There is no error reporter to be told.',
  updated: 'The error reporter in n8n has a new token of its own.',
  pending: 'n8n could not be told a new token for the error reporter; the next deployment tries again.',
} as const

/** The one page that ever shows it. */
export const TokenPage = ({
  instance,
  token,
  reporter,
}: {
  instance: Instance
  token: string
  reporter: keyof typeof reporterWords
}) => (
  <>
    <PageHead title={`New webhook token of ${instance.name}`} />
    <Grid>
      <Card span={8} title="Copy it now" note="it is shown this once">
        <div class="form">
          <div class="inst-token">
            <CodeBox id="token">{token}</CodeBox>
            <CopyButton from="#token" small={false}>
              Copy token
            </CopyButton>
          </div>
          <p class="soft inst-text">
            Send it as <code>Authorization: Bearer …</code> to{' '}
            <code class="inst-url">{instance.webhookUrl}</code>.
          </p>
          <Remark>
            The earlier token works for another 24 hours. {reporterWords[reporter]} Loading this page again
            makes yet another one.
          </Remark>
          <div class="actions">
            <LinkButton href={`/instances/${instance.id}`} kind="primary">
              Done
            </LinkButton>
          </div>
        </div>
      </Card>
    </Grid>
  </>
)

const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

export function RemovePage({
  instance,
  counts,
  typed,
  errors,
}: Pick<FormState, 'errors'> & {
  instance: Instance
  counts: InstanceCounts
  typed: { name: string; force: boolean }
}) {
  const { id, name } = instance
  return (
    <>
      <PageHead title={`Remove ${name}?`} />
      <Grid>
        <Card span={8} label="What it does">
          <div class="form">
            <p>
              <b>
                {plural(counts.total, 'deployment')} on it {counts.total === 1 ? 'is' : 'are'} forgotten here.
              </b>{' '}
              Reports that could not be used go too; recorded runs stay. The error reporter is taken out of
              n8n if it answers.
            </p>
            <Form action={`/instances/${id}/remove`}>
              {counts.total > 0 && (
                <CheckField
                  name="force"
                  label="Leave behind what was deployed: it goes on running in n8n, unseen from here"
                  checked={typed.force}
                />
              )}
              <TextField
                name="name"
                label={
                  <>
                    Type <b>{name}</b> to confirm
                  </>
                }
                pattern={`\\s*${escaped(name)}\\s*`}
                required
                value={typed.name}
                error={errors.name}
              />
              <FormError>{errors['']}</FormError>
              <div class="actions">
                <Button kind="danger" icon="trash">
                  Remove
                </Button>
                <LinkButton href={`/instances/${id}`}>Cancel</LinkButton>
              </div>
            </Form>
          </div>
        </Card>
      </Grid>
    </>
  )
}
