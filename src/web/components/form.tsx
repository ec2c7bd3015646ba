/**
 * @module Form fields: a label, the control, a hint, and under it what is wrong, which the control names by
 * `aria-describedby`. The first control with an error takes the focus, or what is wrong with the form as a whole.
 */
import type { Child, PropsWithChildren } from 'hono/jsx'
import { Icon } from './icons.tsx'
import { Glyph } from './status.tsx'

interface FieldBase {
  name: string
  label: Child
  hint?: Child | undefined
  /** What is wrong with it. */
  error?: string | undefined
  /** Takes the focus when the page opens; a field with an error does anyway. */
  focus?: boolean | undefined
  required?: boolean | undefined
  /** Where the same name stands twice on a page. */
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
  /** A password is never given back: leave its value out. */
  value?: string | undefined
  type?: 'text' | 'email' | 'password' | 'number' | 'url' | 'search' | 'date' | 'datetime-local' | undefined
  autocomplete?: string | undefined
  placeholder?: string | undefined
  maxlength?: number | undefined
  /** What is to be typed exactly, as a regular expression: a name that confirms a deletion. */
  pattern?: string | undefined
  /** For codes and keys: type of one width, no spelling help. */
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

/** The browser sends `value` when it is checked and nothing otherwise. */
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
  /** At the end of the line. */
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

/** What is wrong with the form as a whole; put it above the button, and give no field the `focus` beside it. */
export const FormError = ({ children }: PropsWithChildren) =>
  children ? (
    <div class="form-error" role="alert" tabindex={-1} autofocus>
      <Glyph tone="fail" />
      <p>{children}</p>
    </div>
  ) : null

/** A posted form with its fields in a column. */
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
