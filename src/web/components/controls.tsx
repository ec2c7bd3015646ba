/** @module Interactive elements: buttons, link buttons, filters, tabs, paging. */
import type { Child, PropsWithChildren } from 'hono/jsx'
import { count, plural } from '../format.ts'
import { Remark } from './card.tsx'
import { type IconName, Icon } from './icons.tsx'
import { Select, type SelectProps } from './select.tsx'
import { skipTarget } from './skips.ts'

export interface ButtonProps {
  /** At most one `primary` per page: the next safe step. */
  kind?: 'plain' | 'primary' | 'danger'
  small?: boolean
  icon?: IconName
}

const classOf = ({ kind = 'plain', small }: ButtonProps) =>
  ['button', kind !== 'plain' && kind, small && 'small'].filter(Boolean).join(' ')

/** Submits its form. `name` and `value` identify the button if the form has several. */
export function Button(
  props: PropsWithChildren<
    ButtonProps & { name?: string; value?: string; form?: string; formaction?: string; disabled?: boolean }
  >,
) {
  const { name, value, form, formaction, disabled, icon, children } = props
  return (
    <button
      type="submit"
      class={classOf(props)}
      {...(name && { name })}
      {...(value !== undefined && { value })}
      {...(form && { form })}
      {...(formaction && { formaction })}
      {...(disabled && { disabled: true })}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

export function LinkButton(props: PropsWithChildren<ButtonProps & { href: string; external?: boolean }>) {
  const { href, icon, external, children } = props
  return (
    <a
      class={classOf(props)}
      href={href}
      {...(typeof children === 'string' && children.length > 30 && { title: children })}
      {...(external && { rel: 'noreferrer', target: '_blank' })}
    >
      {icon && <Icon name={icon} />}
      {children}
      {external && <span class="visually-hidden"> (opens in a new tab)</span>}
    </a>
  )
}

export interface ActionProps extends ButtonProps {
  action: string
  /** Hidden fields. */
  fields?: Record<string, string>
  /** Confirmation question; requires the script. Critical actions have a confirmation page instead. */
  confirm?: string
}

/** A form with one button that posts from this page. */
export function Action(props: PropsWithChildren<ActionProps>) {
  const { action, fields = {}, confirm, children, ...button } = props
  return (
    <form method="post" action={action} class="action" {...(confirm && { 'data-confirm': confirm })}>
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <Button {...button}>{children}</Button>
    </form>
  )
}

/** Copies a text, or the content of the element `from`. Hidden without the script. */
export const CopyButton = ({
  text,
  from,
  children = 'Copy',
  small = true,
}: PropsWithChildren<{ text?: string; from?: string; small?: boolean }>) => (
  <button
    type="button"
    hidden
    class={small ? 'button small' : 'button'}
    {...(text !== undefined && { 'data-copy': text })}
    {...(from && { 'data-copy-from': from })}
  >
    <Icon name="copy" />
    <span>{children}</span>
  </button>
)

export interface Choice {
  label: Child
  href: string
  current?: boolean
  /** Number after the label. */
  count?: string
}

/** A choice of a few options, such as the period: 1 h, 24 h, 7 d. */
export const Segmented = ({ label, choices }: { label: string; choices: Choice[] }) => (
  <div class="segmented" role="group" aria-label={label}>
    {choices.map(({ label, href, current }) => (
      <a href={href} {...(current && { 'aria-current': 'true' })}>
        {label}
      </a>
    ))}
  </div>
)

export const Tabs = ({ label, choices }: { label: string; choices: Choice[] }) => (
  <nav class="tabs" aria-label={label}>
    {choices.map(({ label, href, current, count }) => (
      <a href={href} {...(current && { 'aria-current': 'page' })}>
        {label}
        {count && <span class="tab-count"> {count}</span>}
      </a>
    ))}
  </nav>
)

/** An active filter with a link that removes it, or a suggested filter. */
export function Chip({
  label,
  value,
  href,
  removes,
}: {
  label: string
  value?: Child
  href: string
  removes?: boolean
}) {
  return (
    <a class={removes ? 'chip set' : 'chip'} href={href}>
      {label}
      {value !== undefined && (
        <>
          {' '}
          <b {...(typeof value === 'string' && { title: value })}>{value}</b>
        </>
      )}
      {removes && (
        <>
          <Icon name="cross" small />
          <span class="visually-hidden"> Remove filter</span>
        </>
      )}
    </a>
  )
}

export interface FilterSelectProps extends Omit<SelectProps, 'attributes'> {
  name: string
  label: string
}

/** A select in a `FilterForm`. Its first option, with the value '', means no filter. The script submits the form on change. */
export const FilterSelect = ({ name, label, ...select }: FilterSelectProps) => (
  <label class="filter-select">
    <span class="visually-hidden">{label}</span>
    <Select {...select} attributes={{ name, 'data-submits': true }} />
  </label>
)

export interface FilterLookupProps {
  name: string
  label: string
  value: string
  suggestions: readonly string[]
}

/** A text field of a `FilterForm` for a choice among too many for a select. */
export const FilterLookup = ({ name, label, value, suggestions }: FilterLookupProps) => (
  <label class="filter-text">
    <Icon name="search" small />
    <span class="visually-hidden">{label}</span>
    <input
      type="search"
      name={name}
      value={value}
      placeholder={label}
      title={`Enter any name. The first ${count(suggestions.length)} are suggested.`}
      list={`suggestions-${name}`}
      maxlength={200}
      autocomplete="off"
    />
    <datalist id={`suggestions-${name}`}>
      {suggestions.map((text) => (
        <option value={text}></option>
      ))}
    </datalist>
  </label>
)

export interface FilterFormProps {
  action: string
  /** Parameters to preserve. */
  keep?: Record<string, string>
  /** The skip link to filters leads to an element around the form. */
  nested?: boolean
}

/** The filters of a list, as a GET form. */
export const FilterForm = ({ action, keep = {}, nested, children }: PropsWithChildren<FilterFormProps>) => (
  <form
    class="filters"
    method="get"
    action={action}
    role="search"
    aria-label="Filter the list"
    {...(!nested && skipTarget('filters'))}
  >
    {Object.entries(keep).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    {children}
    <button type="submit" class="button" data-script-hides>
      Filter
    </button>
  </form>
)

/** The text field of a `FilterForm`. */
export const FilterText = ({ name = 'q', label, value }: { name?: string; label: string; value: string }) => (
  <label class="filter-text">
    <Icon name="search" small />
    <span class="visually-hidden">{label}</span>
    <input type="search" name={name} value={value} placeholder={label} maxlength={200} autocomplete="off" />
  </label>
)

/** Says in one sentence which parameters of the URL a list ignores. */
export const IgnoredFilters = ({ ignored }: { ignored: readonly string[] }) =>
  ignored.length === 0 ? null : (
    <Remark tone="wait">
      Ignored {plural(ignored.length, 'invalid filter')}: {ignored.join(', ')}.
    </Remark>
  )

export interface PaginationProps {
  /** Position in the list: Showing 50 of 1,204 runs. */
  text: Child
  /** Link to the first page, unless it is the current one. */
  firstHref?: string | null
  /** Link to the next page; null on the last page. */
  nextHref: string | null
}

/** Cursor paging: forward and back to the start. For earlier pages, use the browser's Back button. */
export const Pagination = ({ text, firstHref, nextHref }: PaginationProps) => (
  <nav class="pagination" aria-label="Pages">
    <span>{text}</span>
    {firstHref && (
      <a class="link" href={firstHref}>
        First page
      </a>
    )}
    {nextHref && (
      <a class="link" href={nextHref} rel="next">
        Next page
      </a>
    )}
  </nav>
)

/** The path with query parameters set (string) or removed (null), in the given order. */
export function withQuery(
  path: string,
  query: URLSearchParams | Record<string, string>,
  changes: Record<string, string | null> = {},
): string {
  const next = new URLSearchParams(query instanceof URLSearchParams ? query.toString() : query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name)
    else next.set(name, value)
  }
  const text = next.toString()
  return text ? `${path}?${text}` : path
}
