/**
 * @module Form fields: a label, a control, a hint and an error, linked by `aria-describedby`. The form's error, or else
 * the first invalid control, receives the focus.
 */
import type { Child, PropsWithChildren } from 'hono/jsx'
import { useContext } from 'hono/jsx'
import { formContext, formValues } from './form-context.ts'
import { Select, type SelectProps } from './select.tsx'
import { Glyph } from './status.tsx'

interface FieldBase {
  name: string
  label: Child
  hint?: Child | undefined
  /** Error message of the field. */
  error?: string | undefined
  /** Focuses the field when the page opens. Invalid fields receive the focus anyway. */
  focus?: boolean | undefined
  required?: boolean | undefined
  /** Required when a page contains several fields with the same name. */
  id?: string | undefined
}

interface Described extends FieldBase {
  control: (attributes: Record<string, string | boolean>) => Child
}

function Described({ name, label, hint, error, focus, required, id = `field-${name}`, control }: Described) {
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ')
  return (
    <div class={error ? 'field wrong' : 'field'}>
      <label for={id}>
        {label}
        {required === false && <span class="muted"> optional</span>}
      </label>
      {control({
        id,
        name,
        ...(described && { 'aria-describedby': described }),
        ...(error && { 'aria-invalid': 'true' }),
        ...((focus || error) && { autofocus: true }),
        ...(required && { required: true }),
      })}
      {error && <FieldError id={`${id}-error`}>{error}</FieldError>}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

const FieldError = ({ id, children }: PropsWithChildren<{ id: string }>) => (
  <p class="field-error" id={id}>
    <Glyph tone="fail" />
    <span>{children}</span>
  </p>
)

export interface TextFieldProps extends FieldBase {
  /** Omit it for passwords, which must not be sent back. */
  value?: string | undefined
  type?: 'text' | 'email' | 'password' | 'number' | 'url' | 'search' | 'date' | 'datetime-local' | undefined
  autocomplete?: string | undefined
  placeholder?: string | undefined
  maxlength?: number | undefined
  /** Regular expression of the exact text to type, such as a name that confirms a deletion. */
  pattern?: string | undefined
  /** Monospaced without spell checking, for codes and keys. */
  mono?: boolean | undefined
  inputmode?: 'numeric' | 'decimal' | undefined
  /** The script fills it with the fragment of the URL. */
  takesCode?: boolean
  /** The range and the step of a number. */
  min?: number | undefined
  max?: number | undefined
  step?: number | 'any' | undefined
}

export const TextField = (props: TextFieldProps) => {
  const { type = 'text', autocomplete = 'off', placeholder, maxlength, pattern, mono, inputmode } = props
  const { min, max, step } = props
  const isSecret = type === 'password'
  const { restored, secrets } = useContext(formValues)
  const value = restored?.get(props.name) ?? props.value
  return (
    <Described
      {...props}
      {...(isSecret && secrets.includes(props.name) && { hint: enterAgain(props.hint), focus: true })}
      control={(attributes) => (
        <>
          <input
            class={mono ? 'input mono' : 'input'}
            type={type}
            autocomplete={autocomplete}
            {...(value !== undefined && !isSecret && { value })}
            {...(placeholder && { placeholder })}
            {...(maxlength && { maxlength })}
            {...(pattern && { pattern })}
            {...(mono && { spellcheck: false })}
            {...(inputmode && { inputmode })}
            {...(props.takesCode && { 'data-takes-code': true })}
            {...(min !== undefined && { min })}
            {...(max !== undefined && { max })}
            {...(step !== undefined && { step })}
            {...attributes}
          />
          {isSecret && <SecretMark name={props.name} />}
        </>
      )}
    />
  )
}

/** Tells the server that the field is a secret, which is never kept when a session expires. */
const SecretMark = ({ name }: { name: string }) =>
  useContext(formContext).owner === null ? null : <input type="hidden" name="_secret" value={name} />

const enterAgain = (hint: Child): Child => (
  <>
    <b>Enter it again.</b> {hint}
  </>
)

export interface TextAreaProps extends FieldBase {
  value?: string | undefined
  rows?: number
  mono?: boolean
  /** The script fills it with a file that is dropped on it. */
  dropsFile?: boolean
  /** Its text is a secret and never sent back. */
  secret?: boolean
}

export const TextArea = (props: TextAreaProps) => {
  const { restored, secrets } = useContext(formValues)
  const text = props.secret ? '' : (restored?.get(props.name) ?? props.value ?? '')
  return (
    <Described
      {...props}
      {...(secrets.includes(props.name) && { hint: enterAgain(props.hint), focus: true })}
      control={(attributes) => (
        <>
          <textarea
            class={props.mono ? 'input mono' : 'input'}
            rows={props.rows ?? 4}
            {...(props.dropsFile && { 'data-drop': true })}
            {...attributes}
          >
            {text}
          </textarea>
          {props.secret && <SecretMark name={props.name} />}
        </>
      )}
    />
  )
}

/** A text file. With the script, it fills the text area `fills` and can be edited before it is sent. */
export const FileField = (props: FieldBase & { accept: string; fills: string }) => (
  <Described
    {...props}
    control={(attributes) => (
      <input class="input" type="file" accept={props.accept} data-fills={props.fills} {...attributes} />
    )}
  />
)

/** A hidden input. */
export const Hidden = ({ name, value }: { name: string; value: string | number }) => (
  <input type="hidden" name={name} value={useContext(formValues).restored?.get(name) ?? value} />
)

export const SelectField = (
  props: FieldBase &
    Pick<SelectProps, 'options' | 'value'> & {
      submits?: boolean | undefined
    },
) => {
  const selected = useContext(formValues).restored?.get(props.name) ?? props.value
  return (
    <Described
      {...props}
      control={(attributes) => (
        <span class="select">
          <Select
            options={props.options}
            value={selected}
            attributes={{ class: 'input', ...(props.submits && { 'data-submits': true }), ...attributes }}
          />
        </span>
      )}
    />
  )
}

/** The browser sends `value` only when the box is checked. */
export const CheckField = ({
  name,
  label,
  note,
  checked,
  value = 'true',
  id = `field-${name}-${value}`,
}: {
  name: string
  label: Child
  /** Text at the end of the line. */
  note?: Child
  checked?: boolean
  value?: string
  id?: string
}) => {
  const { restored } = useContext(formValues)
  const isChecked = restored ? restored.getAll(name).includes(value) : checked
  return (
    <label class="check" for={id}>
      <input type="checkbox" id={id} name={name} value={value} {...(isChecked && { checked: true })} />
      <span>{label}</span>
      {note && <span class="muted">{note}</span>}
    </label>
  )
}

export const Fieldset = ({ legend, children }: PropsWithChildren<{ legend: string }>) => (
  <fieldset>
    <legend>{legend}</legend>
    {children}
  </fieldset>
)

/** Error of the whole form. Place it above the button, and do not set `focus` on a field. */
export const FormError = ({ children }: PropsWithChildren) =>
  children ? (
    <div class="form-error" role="alert" tabindex={-1} autofocus>
      <Glyph tone="fail" />
      <p>{children}</p>
    </div>
  ) : null

export interface FormProps {
  action: string
  id?: string
  confirm?: string
  method?: 'post' | 'get'
  /** The path of the form's page, if it differs from `action`. */
  page?: string
  /** Sends files. */
  multipart?: boolean
}

/** A form with its fields in a column, POST by default. Shows what was typed before the session expired. */
export const Form = (props: PropsWithChildren<FormProps>) => {
  const { action, children, id, confirm, method = 'post', page, multipart } = props
  const { owner, restored } = useContext(formContext)
  const own = method === 'post' && restored?.action === action ? restored : null
  return (
    <form
      method={method}
      action={action}
      class="form"
      {...(id && { id })}
      {...(confirm && { 'data-confirm': confirm })}
      {...(multipart && { enctype: 'multipart/form-data' })}
    >
      {method === 'post' && owner !== null && <input type="hidden" name="_owner" value={owner} />}
      {method === 'post' && page && <input type="hidden" name="_page" value={page} />}
      <formValues.Provider value={{ restored: own?.fields ?? null, secrets: own?.secrets ?? [] }}>
        {children}
      </formValues.Provider>
    </form>
  )
}
