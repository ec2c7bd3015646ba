/** @module Forms that add an instance, change its settings and keys, and remove it. Stored secrets are never shown. */
import type { Instance } from '../../../instances/contract.ts'
import type { RenewedTokens } from '../../../instances/set-up-reporter.ts'
import { Card, CodeBox, Grid, Remark } from '../../components/card.tsx'
import { Action, Button, CopyButton, LinkButton } from '../../components/controls.tsx'
import { CheckField, Form, FormError, Hidden, SelectField, TextField } from '../../components/form.tsx'
import { isExactVersion } from '../../../n8n/api/version.ts'
import { SetupSteps } from '../../components/setup-steps.tsx'
import { PageHead } from '../../layout/page.tsx'
import { plural } from '../../format.ts'
import { type OwnCredential, ValueFields } from '../../components/value-fields.tsx'
import type { FormState } from '../../form-data.ts'
import type { InstanceCounts } from '../../../instances/queries.ts'

export const newFields = ['name', 'baseUrl', 'apiKey'] as const
export const settingsFields = [...newFields, 'n8nVersion', 'environment', 'variables'] as const

/** Empty for a range. */
export const versionOf = ({ n8nVersion }: Instance): string => (isExactVersion(n8nVersion) ? n8nVersion : '')

const keyHint = 'Encrypted before it is stored, sent only to this server, never shown again.'

/** @param setup the workflow that the instance is added for, if any */
export const NewPage = ({ values, errors, setup }: FormState & { setup: string | null }) => (
  <>
    <PageHead title="Add instance" />
    {setup && (
      <SetupSteps
        current="instance"
        done={['workflow', 'credentials']}
        hrefs={{ workflow: `/workflows/${setup}` }}
      />
    )}
    <Grid>
      <Card span={6} label="Instance">
        <Form action="/instances" page="/instances/new">
          <Hidden name="return" value={values.return ?? ''} />
          <TextField
            name="baseUrl"
            focus={Object.keys(errors).length === 0}
            label="URL"
            type="url"
            value={values.baseUrl ?? ''}
            error={errors.baseUrl}
            required
            placeholder="https://n8n.example.com"
            maxlength={2048}
            hint="The URL where you open n8n, including any path prefix."
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
          <TextField
            name="name"
            label="Name"
            value={values.name ?? ''}
            error={errors.name}
            required={false}
            maxlength={128}
            hint="Shown in Flowkeep, such as prod-eu-1. Leave empty to use the host name."
          />
          <FormError>{errors['']}</FormError>
          <div class="actions">
            <Button kind="primary" name="test" value="yes">
              {setup ? 'Test and continue' : 'Test and add'}
            </Button>
            <Button name="test" value="no">
              Add without testing
            </Button>
          </div>
        </Form>
      </Card>
      <Card span={6} title="How to get an API key">
        <ol class="steps inst-steps">
          <li>In n8n, open Settings → n8n API and create an API key.</li>
          <li>
            Grant it the workflow, credential and execution scopes. The test reports any that are missing.
          </li>
          <li>Paste it here. Flowkeep uses it to deploy workflows and to fetch runs every 5 minutes.</li>
        </ol>
      </Card>
    </Grid>
  </>
)

/** @param environments their names */
export function SettingsPage({
  instance,
  environments,
  own,
  values,
  errors,
}: FormState & {
  instance: Instance
  environments: readonly string[]
  own: readonly OwnCredential[]
}) {
  const { id, name, baseUrl, environment } = instance
  const path = `/instances/${id}`
  return (
    <>
      <PageHead title={`${name} settings`} />
      <Grid>
        <div class="stack span-6">
          <Card title="Instance">
            <Form action={`${path}/settings`}>
              <Hidden name="expected" value={instance.version} />
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
                hint="A different origin is a different server and requires the API key again. You cannot change the origin once this instance has runs."
              />
              <TextField
                name="n8nVersion"
                label="n8n version"
                value={values.n8nVersion ?? versionOf(instance)}
                error={errors.n8nVersion}
                required={false}
                maxlength={13}
                placeholder="2.41.1"
                hint="Checks use the facts about this version. A connection test sets it. If n8n hides its version, enter it here, and change it when you upgrade n8n."
              />
              <SelectField
                name="environment"
                label="Environment"
                value={values.environment ?? environment ?? ''}
                options={[
                  ['', 'None'],
                  ...[...new Set([...environments, 'production'])].map((each) => [each, each] as const),
                ]}
                hint="Instances of an environment share its variables and credentials. In production, access tokens need the deploy:production scope."
              />
              <ValueFields stored={instance} own={own} text={values.variables} error={errors.variables} />
              <FormError>{errors['']}</FormError>
              <div class="actions">
                <Button kind="primary">Save</Button>
              </div>
            </Form>
          </Card>
          <Card title="API key" id="key">
            <Form action={`${path}/key`} page={`${path}/settings`}>
              <Hidden name="expected" value={instance.version} />
              <TextField
                name="apiKey"
                label="New API key"
                type="password"
                autocomplete="new-password"
                error={errors.apiKey}
                required
                hint={`Flowkeep tests the key before saving it. A rejected key is not saved. ${keyHint}`}
              />
              <div class="actions">
                <Button>Replace key</Button>
              </div>
            </Form>
          </Card>
        </div>
        <div class="stack span-6">
          <Card title="Webhook token" id="token">
            <p class="soft inst-text">
              Authenticates requests to this instance's webhook. A new token is shown once, on the next page.
              The previous token remains valid for 24 hours. The error reporter gets its own token.
            </p>
            <div class="inst-below">
              <Action action={`${path}/webhook-token`}>Create new token</Action>
            </div>
          </Card>
          <Card title="Remove instance">
            <p class="soft inst-text">
              Removes its deployments from Flowkeep. Recorded runs are not deleted.
            </p>
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

const reporterMessages = {
  none: 'This instance has no error reporter.',
  updated: 'The error reporter in n8n has its own new token.',
  pending: "The error reporter's token could not be updated in n8n. The next deployment retries.",
} as const

const otelMessages = {
  none: '',
  updated: 'The OpenTelemetry settings in n8n have a new token.',
  pending:
    "The token in n8n's OpenTelemetry settings could not be updated. Set OpenTelemetry up again on the instance's page.",
} as const

/** The only page that shows the token. */
export const TokenPage = ({
  instance,
  token,
  renewed,
}: {
  instance: Instance
  token: string
  renewed: RenewedTokens
}) => (
  <>
    <PageHead title={`New webhook token for ${instance.name}`} />
    <Grid>
      <Card span={8} title="Copy it now" note="shown only once">
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
            The previous token remains valid for 24 hours. {reporterMessages[renewed.reporter]}{' '}
            {otelMessages[renewed.otel]} Reloading this page creates another token.
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

const escapePattern = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

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
        <Card span={8} label="Effects">
          <div class="form">
            <p>
              <b>
                {plural(counts.total, 'deployment')} {counts.total === 1 ? 'is' : 'are'} removed from
                Flowkeep.
              </b>{' '}
              Dead letters are deleted; recorded runs are not. Flowkeep deletes the error reporter from n8n if
              the instance is reachable.
            </p>
            <Form action={`/instances/${id}/remove`}>
              {counts.total > 0 && (
                <CheckField
                  name="force"
                  label="Leave deployed workflows in n8n. They continue to run, but Flowkeep no longer records their runs."
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
                pattern={`\\s*${escapePattern(name)}\\s*`}
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
