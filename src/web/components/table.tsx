/**
 * @module Tables. On phones, each row becomes a grid of two lines with two or three cells. The explicit roles preserve
 * the table semantics for screen readers.
 */
import type { Child, PropsWithChildren } from 'hono/jsx'
import { type TimeFormat, utc } from '../format.ts'
import { Icon } from './icons.tsx'

export interface Column {
  label: Child
  /** Right-aligned tabular digits. */
  numeric?: boolean
  /** Link that sorts by the column, and the current direction. */
  sort?: { href: string; direction: 'ascending' | 'descending' | null }
  /** Visible to screen readers only, for a column of buttons. */
  hidden?: boolean
}

export interface TableProps {
  /** Announced before the table. */
  caption: string
  columns: readonly Column[]
  /** 32 px rows instead of 40 px. */
  compact?: boolean
  class?: string
}

/** Expects rows (`Tr`) as children. */
export function Table({ caption, columns, compact, children, ...rest }: PropsWithChildren<TableProps>) {
  const names = ['table', compact && 'compact', rest.class].filter(Boolean).join(' ')
  return (
    <table class={names} role="table">
      <caption class="visually-hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <HeadCell {...column} />
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{children}</tbody>
    </table>
  )
}

function HeadCell({ label, numeric, sort, hidden }: Column) {
  const direction = sort?.direction
  return (
    <th
      role="columnheader"
      scope="col"
      {...(numeric && { class: 'numeric' })}
      {...(direction && { 'aria-sort': direction })}
    >
      {sort ? (
        <a class="sort" href={sort.href}>
          {label}
          {direction && <Icon name={direction === 'ascending' ? 'up' : 'down'} small />}
        </a>
      ) : hidden ? (
        <span class="visually-hidden">{label}</span>
      ) : (
        label
      )}
    </th>
  )
}

export const Tr = ({ children, tone, ...rest }: PropsWithChildren<{ tone?: 'fail'; id?: string }>) => (
  <tr role="row" {...(tone && { class: tone })} {...(rest.id && { id: rest.id })}>
    {children}
  </tr>
)

export interface TdProps {
  numeric?: boolean
  /**
   * Position on phones: `end` at the right of the first line, `line` on its own line, `hide` not at all, otherwise at
   * the left.
   */
  phone?: 'end' | 'line' | 'hide'
  class?: string
}

export function Td({ numeric, phone, children, ...rest }: PropsWithChildren<TdProps>) {
  const names = [numeric && 'numeric', phone && `phone-${phone}`, rest.class].filter(Boolean).join(' ')
  return (
    <td role="cell" {...(names && { class: names })}>
      {children}
    </td>
  )
}

/** The cell that names a row: a badge, a link that the keys j and k select, and a second line. */
export const NameCell = ({
  badge,
  href,
  name,
  note,
}: {
  badge?: Child
  href?: string
  name: Child
  note?: Child
}) => (
  <span class="name-cell">
    {badge}
    <span class="two-lines">
      {href ? (
        <a class="row-link" href={href} data-row {...(typeof name === 'string' && { title: name })}>
          {name}
        </a>
      ) : (
        <span {...(typeof name === 'string' && { title: name })}>{name}</span>
      )}
      {note && <small {...(typeof note === 'string' && { title: note })}>{note}</small>}
    </span>
  </span>
)

/** A time in the viewer's zone, with UTC in its title. `as` selects a method of `TimeFormat`. */
export function Time({
  at,
  format,
  as = 'instant',
}: {
  at: Date | string | null | undefined
  format: TimeFormat
  as?: 'instant' | 'inSentence' | 'clock' | 'clockShort' | 'day' | 'brief' | 'relative'
}) {
  if (at === null || at === undefined) return <span class="muted">–</span>
  return (
    <time datetime={new Date(at).toISOString()} title={utc(at)}>
      {format[as](at)}
    </time>
  )
}
