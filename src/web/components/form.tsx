/**
 * @module Form fields: a label, a control, a hint and an error, linked by `aria-describedby`. The form's error, or else
 * the first invalid control, receives the focus.
 */
import type { Child, PropsWithChildren } from 'hono/jsx'
import { Icon } from './icons.tsx'
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
}

export const TextField = (props: TextFieldProps) => {
  const {
    value,
    type = 'text',
    autocomplete = 'off',
    placeholder,
    maxlength,
    pattern,
    mono,
    inputmode,
  } = props
  return (
    <Described
      {...props}
      control={(attributes) => (
        <input
          class={mono ? 'input mono' : 'input'}
          type={type}
          autocomplete={autocomplete}
          {...(value !== undefined && type !== 'password' && { value })}
          {...(placeholder && { placeholder })}
          {...(maxlength && { maxlength })}
          {...(pattern && { pattern })}
          {...(mono && { spellcheck: false })}
          {...(inputmode && { inputmode })}
          {...attributes}
        />
      )}
    />
  )
}

export const TextArea = (
  props: FieldBase & { value?: string | undefined; rows?: number; mono?: boolean },
) => (
  <Described
    {...props}
    control={(attributes) => (
      <textarea class={props.mono ? 'input mono' : 'input'} rows={props.rows ?? 4} {...attributes}>
        {props.value ?? ''}
      </textarea>
    )}
  />
)

export const SelectField = (
  props: FieldBase & {
    value?: string | undefined
    options: readonly (readonly [string, string])[]
    submits?: boolean | undefined
  },
) => (
  <Described
    {...props}
    control={(attributes) => (
      <span class="select">
        <select class="input" {...(props.submits && { 'data-submits': true })} {...attributes}>
          {props.options.map(([value, text]) => (
            <option value={value} {...(value === props.value && { selected: true })}>
              {text}
            </option>
          ))}
        </select>
        <Icon name="down" small />
      </span>
    )}
  />
)

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
}) => (
  <label class="check" for={id}>
    <input type="checkbox" id={id} name={name} value={value} {...(checked && { checked: true })} />
    <span>{label}</span>
    {note && <span class="muted">{note}</span>}
  </label>
)

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

/** A POST form with its fields in a column. */
export const Form = ({
  action,
  children,
  id,
  confirm,
  method = 'post',
}: PropsWithChildren<{ action: string; id?: string; confirm?: string; method?: 'post' | 'get' }>) => (
  <form
    method={method}
    action={action}
    class="form"
    {...(id && { id })}
    {...(confirm && { 'data-confirm': confirm })}
  >
    {children}
  </form>
)
