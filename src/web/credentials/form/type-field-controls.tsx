/** @module The generated fields of a credential's form. */
import { Fieldset, SelectField, TextArea, TextField, CheckField } from '../../components/form.tsx'
import { Remark } from '../../components/card.tsx'
import { fieldLabel } from '../labels.ts'
import type { FormField } from './type-fields.ts'
import { fieldPrefix } from './save.ts'

/** Our text for the notices in n8n's form, by the field that a notice is about or else by the notice's name. */
const remarks: Record<string, string> = {
  signatureSecret: 'Without a signature secret, n8n does not verify that events come from the service.',
  customScopes: "Your scopes replace n8n's defaults. A node fails if it needs a scope that you leave out.",
  httpNode: 'HTTP Request nodes can call any URL of the service with these scopes.',
  useCustomAuth: 'For other kinds of authentication, use the Custom Auth type.',
}

interface ControlProps {
  field: FormField
  error: string | undefined
}

export interface FieldControlsProps {
  fields: readonly FormField[]
  /** Names of fields that show or hide others. The script reloads the form when one changes. */
  controlling: ReadonlySet<string>
  errors: Record<string, string>
  /** The form's URL. Its query sets the choices. */
  url: string
}

/** Common fields, advanced fields, and a button that updates the form without a script. */
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
          <span class="muted">Shows the fields for your choice. You have to enter secrets again.</span>
        </div>
      )}
    </div>
  )
}

const hasControl = ({ control, about, name }: FormField) =>
  control !== 'notice' || remarks[about ?? name] !== undefined
const isWide = ({ control }: FormField) => ['lines', 'json', 'notice', 'switch'].includes(control)

function FieldControl({ field, error }: ControlProps) {
  const { name, label, control, value, options, secret, isStored } = field
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
      return <TextArea {...common} value={value} secret={secret} rows={5} mono />
    case 'lines':
      return <TextArea {...common} value={value} secret={secret} rows={secret ? 4 : 3} mono />
    case 'number':
      return (
        <TextField {...common} {...limitsOf(field)} value={value} type="number" placeholder={placeholder} />
      )
    case 'secret':
      return (
        <TextField
          {...common}
          type="password"
          autocomplete="new-password"
          placeholder={isStored ? '•••••••••••• stored' : ''}
        />
      )
    case 'text':
      break
  }
  return <TextField {...common} value={value} placeholder={placeholder} maxlength={8192} />
}

const placeholderOf = ({ isStored, hasDefault, defaultText }: FormField) =>
  isStored ? 'Stored' : defaultText || (hasDefault ? "n8n's default" : '')

const limitsOf = ({ minimum, maximum, isInteger }: FormField) => ({
  min: minimum ?? undefined,
  max: maximum ?? undefined,
  step: isInteger ? 1 : ('any' as const),
})

/** `false` labels the field as optional. A stored value or a default makes the label redundant, so it is undefined. */
const requiredOf = ({ required, isStored, hasDefault, control }: FormField) => {
  if (required) return true
  return isStored || hasDefault || control === 'choice' ? undefined : false
}

function hintOf({ name, control, isStored }: FormField): string | undefined {
  if (name === 'allowedHttpRequestDomains')
    return 'The domains that HTTP Request nodes can call with this credential.'
  if (name === 'allowedDomains') return 'Separate domains with commas.'
  if (name === 'oauthTokenData')
    return 'The token of an earlier sign-in, as JSON. n8n creates it when you sign in there.'
  if (isStored && (control === 'lines' || control === 'json')) return 'Leave empty to keep the stored value.'
  return control === 'json' ? 'JSON' : undefined
}

/** Checkboxes that remove stored values, because an empty field keeps its value. */
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
      <Fieldset legend="Remove when saving">
        {names.map((name) => (
          <CheckField name="remove" value={name} label={fieldLabel(name)} checked={removed.has(name)} />
        ))}
      </Fieldset>
    </details>
  )
