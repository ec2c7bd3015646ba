/** @module The generated part of a credential's form. */
import { Fieldset, SelectField, TextArea, TextField, CheckField } from '../../components/form.tsx'
import { Remark } from '../../components/card.tsx'
import type { FormField } from './fields.ts'
import { fieldPrefix } from './save.ts'

/** What n8n's own form remarks on, in our words (n8n's are not carried along): by the field, else by the notice's name. */
const remarks: Record<string, string> = {
  signatureSecret:
    'Without a signature secret, n8n does not check that incoming events come from the service.',
  customScopes: 'Your scopes replace n8n’s own: a node that needs one that you leave out fails.',
  httpNode: 'An HTTP Request node that uses it may call any address of the service with these scopes.',
  useCustomAuth: 'For anything that this type does not offer, n8n has the type Custom Auth.',
}

interface ControlProps {
  field: FormField
  error: string | undefined
}

export interface FieldControlsProps {
  fields: readonly FormField[]
  /** Names of fields by which others are shown: the script asks for the form again when one changes. */
  controlling: ReadonlySet<string>
  errors: Record<string, string>
  /** Where the form is to be had for other choices, given as its query. */
  url: string
}

/** Common fields, then those that are seldom needed, then the button that works without script. */
export function FieldControls({ fields, controlling, errors, url }: FieldControlsProps) {
  const advanced = fields.filter((field) => field.advanced)
  const errorOf = ({ name }: FormField) => errors[fieldPrefix + name]
  const isOpen = advanced.some((field) => errorOf(field) || (field.value !== '' && field.value !== 'all'))
  const names = [...controlling].map((name) => fieldPrefix + name).join(' ')
  return (
    <div class="form" id="credential-fields" data-fields={url} data-controls={names}>
      <div class="credential-fields">
        {fields
          .filter((field) => !field.advanced && hasControl(field))
          .map((field) => (
            <div class={isWide(field) ? 'wide' : ''}>
              <FieldControl field={field} error={errorOf(field)} />
            </div>
          ))}
      </div>
      {advanced.length > 0 && (
        <details class="credential-more" id="credential-more" {...(isOpen && { open: true })}>
          <summary>More settings</summary>
          <div class="form">
            {advanced.map((field) => (
              <FieldControl field={field} error={errorOf(field)} />
            ))}
          </div>
        </details>
      )}
      {fields.some(({ name }) => controlling.has(name)) && (
        <div class="credential-update" data-script-hides>
          <button type="submit" class="button small" name="update" value="1" formnovalidate>
            Update fields
          </button>
          <span class="muted">after a choice. Secrets have to be typed again then.</span>
        </div>
      )}
    </div>
  )
}

const hasControl = ({ control, about, name }: FormField) =>
  control !== 'notice' || remarks[about ?? name] !== undefined
const isWide = ({ control }: FormField) => ['lines', 'json', 'notice', 'switch'].includes(control)

function FieldControl({ field, error }: ControlProps) {
  const { name, label, control, value, options, secret, kept } = field
  const common = { name: fieldPrefix + name, label, error, hint: hintOf(field), required: requiredOf(field) }
  const placeholder = placeholderOf(field)
  switch (control) {
    case 'notice':
      return <Remark>{remarks[field.about ?? name]}</Remark>
    case 'choice':
      return <SelectField {...common} value={value} options={options} />
    case 'switch':
      return (
        <>
          <input type="hidden" name={common.name} value="false" />
          <CheckField name={common.name} label={label} checked={value === 'true'} />
        </>
      )
    case 'json':
      return <TextArea {...common} {...(!secret && { value })} rows={5} mono />
    case 'lines':
      return <TextArea {...common} {...(!secret && { value })} rows={secret ? 4 : 3} mono />
    case 'number':
      return <TextField {...common} value={value} type="number" placeholder={placeholder} />
    case 'secret':
      return (
        <TextField
          {...common}
          type="password"
          autocomplete="new-password"
          placeholder={kept ? '•••••••••••• kept' : ''}
        />
      )
    case 'text':
      break
  }
  return <TextField {...common} value={value} placeholder={placeholder} maxlength={8192} />
}

const placeholderOf = ({ kept, hasDefault }: FormField) => (kept ? 'Kept' : hasDefault ? 'n8n’s default' : '')

/** `false` says optional; a field that has a value, or n8n's default, says so otherwise. */
const requiredOf = ({ required, kept, hasDefault, control }: FormField) => {
  if (required) return true
  return kept || hasDefault || control === 'choice' ? undefined : false
}

function hintOf({ name, control, kept }: FormField): string | undefined {
  if (name === 'allowedHttpRequestDomains') return 'Which addresses HTTP Request nodes may call with it.'
  if (name === 'allowedDomains') return 'Separated by commas.'
  if (name === 'oauthTokenData')
    return 'Only if you have it already, as JSON. n8n writes it when it signs in.'
  if (kept && (control === 'lines' || control === 'json'))
    return 'Kept. Leave it empty to keep what is stored.'
  return control === 'json' ? 'JSON' : undefined
}

/** Values that are to be forgotten: what is left empty above stays. */
export const RemovedFields = ({
  names,
  removed,
}: {
  names: readonly string[]
  removed: ReadonlySet<string>
}) =>
  names.length === 0 ? null : (
    <details class="credential-more" {...(removed.size > 0 && { open: true })}>
      <summary>Remove a stored value</summary>
      <Fieldset legend="No longer kept after saving">
        {names.map((name) => (
          <CheckField name="remove" value={name} label={name} checked={removed.has(name)} />
        ))}
      </Fieldset>
    </details>
  )
