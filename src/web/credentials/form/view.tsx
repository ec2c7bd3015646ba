/** @module The form that creates or edits a credential, and the cards next to it. */
import type { Child } from 'hono/jsx'
import type { Credential } from '../../../credentials/contract.ts'
import { serviceLabel, serviceOf } from '../../../credentials/service-name.ts'
import type { Catalogue, CredentialType } from '../../../n8n/catalogue/catalogue.ts'
import { Card, Grid, KeyValues, Remark } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { Form, FormError, Hidden, TextArea, TextField } from '../../components/form.tsx'
import { NodeBadge } from '../../components/icons.tsx'
import { SetupSteps } from '../../components/setup-steps.tsx'
import { PageHead } from '../../layout/page.tsx'
import { plural } from '../../format.ts'
import { continueHref, workflowInSetup } from '../../links/setup.ts'
import { returnPath } from '../../return-path.ts'
import { FieldControls, RemovedFields } from './type-field-controls.tsx'
import { controllingNames, type FormField, formFields } from './type-fields.ts'
import type { RequiringWorkflow } from '../../../credentials/queries.ts'
import { fieldPrefix, wholeName } from './save.ts'

/** The posted form, parsed. */
export interface FormInput {
  name: string
  service: string
  typed: ReadonlyMap<string, string>
  removed: ReadonlySet<string>
}

export interface CredentialFormProps {
  catalogue: Catalogue
  type: string
  input: FormInput
  errors: Record<string, string>
  /** Hidden inputs: the idempotency key, the version to update, the page to return to. */
  hidden: Record<string, string>
  requiring: RequiringWorkflow[]
  /** Null for a new credential. */
  change: {
    credential: Credential
    /** The stored values decide which fields to show. Null if they cannot be decrypted. */
    stored: Record<string, unknown> | null
    /** Why they cannot be decrypted. */
    problem: string | null
  } | null
}

export const typeLabel = (catalogue: Catalogue, type: string): string =>
  catalogue.credentialType(type)?.displayName ?? type

/** The fields to show, the fields that control others, and the names of all controls. */
export function fieldsOf({
  catalogue,
  type,
  input,
  change,
}: Pick<CredentialFormProps, 'catalogue' | 'type' | 'input' | 'change'>) {
  const rows = catalogue.credentialFields(type)
  const isKnown = catalogue.credentialType(type) !== undefined
  const fields = isKnown
    ? formFields({ rows, typed: input.typed, stored: change ? (change.stored ?? {}) : null })
    : null
  return { fields, controlling: controllingNames(rows), controls: controlNames(fields) }
}

const controlNames = (fields: FormField[] | null): Set<string> =>
  new Set(['name', 'service', ...(fields?.map(({ name }) => fieldPrefix + name) ?? [wholeName])])

export function CredentialForm(props: CredentialFormProps) {
  const { catalogue, type, input, errors, hidden, requiring, change } = props
  const known = catalogue.credentialType(type)
  const label = known?.displayName ?? type
  const { fields, controlling } = fieldsOf(props)
  const path = change ? `/credentials/${change.credential.id}/edit` : `/credentials/new/${type}`
  const cancel = change ? `/credentials/${change.credential.id}` : returnPath(hidden.return || '/credentials')
  const setup = change ? null : workflowInSetup(hidden.return)
  return (
    <>
      <PageHead
        title={change ? `Edit ${change.credential.name}` : `Add ${label} credential`}
        meta={<span>{known ? 'Fields from the n8n credential type' : 'Not a built-in n8n type'}</span>}
      />
      {setup && (
        <SetupSteps current="credentials" done={['workflow']} hrefs={{ workflow: `/workflows/${setup}` }} />
      )}
      <Grid>
        <Card
          span={8}
          class="credential-form"
          title={
            <span class="credential-title">
              <NodeBadge type={type} large />
              <span>
                {label}
                <small>{type}</small>
              </span>
            </span>
          }
        >
          <Form action={path} id="credential-form">
            <DefaultSubmit />
            {Object.entries(hidden).map(([name, value]) => (
              <Hidden name={name} value={value} />
            ))}
            {change && <StoredValuesRemark change={change} />}
            <TextField
              name={'name'}
              label={'Name'}
              value={input.name}
              required={true}
              maxlength={128}
              error={errors.name}
              focus={!change && Object.keys(errors).length === 0}
              placeholder={`${label} production`}
            />
            {fields ? (
              <FieldControls fields={fields} controlling={controlling} errors={errors} url={path} />
            ) : (
              <WholeField error={errors[wholeName]} change={change !== null} />
            )}
            {change ? (
              fields && <RemovedFields names={removable(change, fields)} removed={input.removed} />
            ) : (
              <TextField
                name={'service'}
                label={'Service'}
                value={input.service}
                required={false}
                maxlength={128}
                error={errors.service}
                placeholder={serviceLabel(serviceOf(type), type, label)}
                hint="Used to filter the list of credentials."
              />
            )}
            <FormError>{errors['']}</FormError>
            <div class="actions">
              <Button kind="primary">
                {change ? 'Save' : setup ? 'Add and continue' : 'Add credential'}
              </Button>
              {setup ? (
                <LinkButton href={continueHref(setup, { skipsCredentials: true })}>Skip</LinkButton>
              ) : (
                <LinkButton href={cancel}>Cancel</LinkButton>
              )}
            </div>
          </Form>
        </Card>
        <div class="stack span-4">
          {known?.oauth && <ConsentCard label={label} hasClientCredentials={hasClientCredentials(fields)} />}
          <Card title="How it is used">
            <ul class="credential-facts">
              <li>Flowkeep encrypts it before storing it and never shows its values again.</li>
              <li>Deploying a workflow that uses it sends it to the n8n instance.</li>
              <li>It is untested until n8n tests it.</li>
            </ul>
          </Card>
          <UseCard type={type} known={known} requiring={requiring} catalogue={catalogue} />
        </div>
      </Grid>
    </>
  )
}

/** Enter presses the first button of a form. Without this one, that would be the button that updates the fields. */
const DefaultSubmit = () => (
  <button type="submit" class="visually-hidden" tabindex={-1} aria-hidden="true">
    Save
  </button>
)

function StoredValuesRemark({ change }: { change: NonNullable<CredentialFormProps['change']> }) {
  if (change.problem !== null) {
    return <Remark tone="fail">{change.problem} Saving replaces all of its values.</Remark>
  }
  return <Remark>Leave a field empty to keep its stored value. Stored values are never shown.</Remark>
}

const removable = (change: NonNullable<CredentialFormProps['change']>, fields: readonly FormField[]) => {
  const required = new Set(fields.filter(({ isRequiredByType }) => isRequiredByType).map(({ name }) => name))
  return change.stored === null ? [] : change.credential.fields.filter((name) => !required.has(name))
}

const WholeField = ({ error, change }: { error: string | undefined; change: boolean }) => (
  <TextArea
    name={wholeName}
    label={'Values'}
    error={error}
    rows={8}
    mono={true}
    secret
    hint={
      change
        ? 'A JSON object with the fields to change. Other fields keep their values. Use null to remove a field.'
        : 'A JSON object with the field names of the community node, such as { "apiKey": "…" }. Not shown again.'
    }
  />
)

const hasClientCredentials = (fields: readonly FormField[] | null) =>
  fields?.some(({ options }) => options.some(([value]) => value === 'clientCredentials')) ?? false

/** For how a deployment binds such a credential, see `workflows/slot-bindings.ts`. */
const ConsentCard = ({ label, hasClientCredentials }: { label: string; hasClientCredentials: boolean }) => (
  <Card title="Sign in through n8n">
    <div class="credential-consent">
      <p>
        {label} requires signing in with a browser, which n8n handles. Push this credential to n8n or create
        it there, then sign in there. When you deploy, choose the credential in n8n.
      </p>
      <p>
        To deploy a credential stored here without signing in,{' '}
        {hasClientCredentials && 'use the Client credentials grant type, or '}enter the token data of an
        earlier sign-in under More settings.
      </p>
    </div>
  </Card>
)

function UseCard(props: {
  type: string
  known: CredentialType | undefined
  requiring: RequiringWorkflow[]
  catalogue: Catalogue
}) {
  const { type, known, requiring, catalogue } = props
  const nodes = [
    ...new Set((known?.nodeTypes ?? []).map((each) => catalogue.nodeType(each)?.displayName ?? each)),
  ]
  const more = (requiring[0]?.total ?? 0) - requiring.length
  const workflows: Child =
    requiring.length === 0 ? (
      'None yet'
    ) : (
      <>
        {requiring.map(({ id, name }) => (
          <a class="link block" href={`/workflows/${id}`}>
            {name}
          </a>
        ))}
        {more > 0 && (
          <a class="link block" href={`/workflows?cred=${encodeURIComponent(type)}`}>
            {plural(more, 'more workflow')}
          </a>
        )}
      </>
    )
  return (
    <Card title="Used by">
      <KeyValues
        items={[
          ['Workflows', workflows],
          nodes.length === 0
            ? null
            : [
                'Nodes',
                `${nodes.slice(0, 6).join(', ')}${nodes.length > 6 ? ` and ${nodes.length - 6} more` : ''}`,
              ],
        ]}
      />
    </Card>
  )
}
