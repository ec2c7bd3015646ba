/** @module The form of a credential, new or changed, and what stands beside it. */
import type { Child } from 'hono/jsx'
import type { Credential } from '../../../credentials/contract.ts'
import { serviceOf } from '../../../credentials/service-name.ts'
import type { Catalogue, CredentialType } from '../../../n8n/catalogue.ts'
import { Card, Grid, KeyValues, Remark } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { Form, FormError, TextArea, TextField } from '../../components/form.tsx'
import { NodeBadge } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { plural } from '../../format.ts'
import { FieldControls, RemovedFields } from './field-controls.tsx'
import { controllingNames, type FormField, formFields } from './fields.ts'
import type { RequiringWorkflow } from '../../../credentials/queries.ts'
import { fieldPrefix, wholeName } from './save.ts'

/** What the form holds besides the type's own fields. */
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
  /** Sent along: what makes a creation happen once, the version that is changed, where to go then. */
  hidden: Record<string, string>
  requiring: RequiringWorkflow[]
  /** Null for a new one. */
  change: {
    credential: Credential
    /** What is stored, to tell which fields are shown; null when it cannot be opened. */
    stored: Record<string, unknown> | null
    /** Why it cannot be opened. */
    problem: string | null
  } | null
}

export const typeLabel = (catalogue: Catalogue, type: string): string =>
  catalogue.credentialType(type)?.displayName ?? type

/** The fields as they stand, and the names that their errors go by. */
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
  const cancel = change ? `/credentials/${change.credential.id}` : '/credentials'
  return (
    <>
      <PageHead
        title={change ? `Edit ${change.credential.name}` : `New ${label} credential`}
        meta={
          <span>
            {known ? 'The fields come from n8n’s own type' : 'n8n itself brings no such type along'}
          </span>
        }
      />
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
            <EnterSaves />
            {Object.entries(hidden).map(([name, value]) => (
              <input type="hidden" name={name} value={value} />
            ))}
            {change && <KeptRemark change={change} />}
            <TextField
              {...{ name: 'name', label: 'Name', value: input.name, required: true, maxlength: 128 }}
              {...{ error: errors.name, focus: !change && Object.keys(errors).length === 0 }}
              placeholder={`Such as ${label}, production`}
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
                {...{
                  name: 'service',
                  label: 'Service',
                  value: input.service,
                  required: false,
                  maxlength: 128,
                }}
                {...{ error: errors.service, placeholder: serviceOf(type) }}
                hint="By which the list is filtered."
              />
            )}
            <FormError>{errors['']}</FormError>
            <div class="actions">
              <Button kind="primary">{change ? 'Save' : 'Add credential'}</Button>
              <LinkButton href={cancel}>Cancel</LinkButton>
            </div>
          </Form>
        </Card>
        <div class="stack span-4">
          {known?.oauth && <ConsentCard label={label} asksNobody={asksNobody(fields)} />}
          <Card title="What happens to it">
            <ul class="credential-facts">
              <li>It is encrypted before it is stored, and its values are never shown again.</li>
              <li>It is sent to an n8n when a workflow that uses it is deployed there.</li>
              <li>n8n tests it there; until then it counts as untested.</li>
            </ul>
          </Card>
          <UseCard type={type} known={known} requiring={requiring} catalogue={catalogue} />
        </div>
      </Grid>
    </>
  )
}

/** Enter in a field presses the form's first button, which else were the one that only shows other fields. */
const EnterSaves = () => (
  <button type="submit" class="visually-hidden" tabindex={-1} aria-hidden="true">
    Save
  </button>
)

function KeptRemark({ change }: { change: NonNullable<CredentialFormProps['change']> }) {
  if (change.problem !== null) {
    return (
      <Remark tone="fail">
        {change.problem} What is stored cannot be kept: what you save here replaces all of its values.
      </Remark>
    )
  }
  return <Remark>What you leave empty stays as it is. Stored values are never shown, not even here.</Remark>
}

const removable = (change: NonNullable<CredentialFormProps['change']>, fields: readonly FormField[]) => {
  const needed = new Set(fields.filter(({ isNeeded }) => isNeeded).map(({ name }) => name))
  return change.stored === null ? [] : change.credential.fields.filter((name) => !needed.has(name))
}

const WholeField = ({ error, change }: { error: string | undefined; change: boolean }) => (
  <TextArea
    {...{ name: wholeName, label: 'Values', error, rows: 8, mono: true }}
    hint={
      change
        ? 'A JSON object with the fields to change. Other fields stay; null removes a field.'
        : 'A JSON object with the names that the community node gives its fields: { "apiKey": "…" }. Not shown again.'
    }
  />
)

const asksNobody = (fields: readonly FormField[] | null) =>
  fields?.some(({ options }) => options.some(([value]) => value === 'clientCredentials')) ?? false

/** How a deployment is bound to such a credential: see `workflows/slot-bindings.ts`. */
const ConsentCard = ({ label, asksNobody }: { label: string; asksNobody: boolean }) => (
  <Card title="Consent is given in n8n">
    <div class="credential-consent">
      <p>
        {label} asks a person, and the answer has to arrive in n8n. Push this credential to n8n, or create it
        there, and sign in; when you deploy, choose it as one that is in n8n already.
      </p>
      <p>
        What you keep here can be deployed where nobody has to be asked:{' '}
        {asksNobody && 'with the grant type Client credentials, or '}with the token data of a sign-in that was
        given before, under More settings.
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
      'None of yours yet'
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
    <Card title="Who needs it">
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
