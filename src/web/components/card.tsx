/** @module Surfaces: grids, cards, figures, notices. */
import type { Child, PropsWithChildren } from 'hono/jsx'
import type { Notice } from '../notice.ts'
import { none, plural } from '../format.ts'
import { Icon } from './icons.tsx'
import { skipTarget } from './skips.ts'
import { Glyph, type Tone } from './status.tsx'

/** Columns out of twelve; full width below 1100 px. */
export type Span = 3 | 4 | 5 | 6 | 7 | 8 | 9 | 12

/** Twelve columns for `Card`s with a `span`. */
export const Grid = ({ children }: PropsWithChildren) => <div class="grid">{children}</div>

export interface CardProps {
  title?: Child
  /** Secondary text next to the title. */
  note?: Child
  /** End of the header: a link to the full list, or a legend. */
  aside?: Child
  /** Footer: a form's buttons. */
  foot?: Child
  span?: Span
  id?: string
  /** Removes the padding, for a table or list. */
  flush?: boolean
  /** A page-specific class. */
  class?: string
  /** Accessible name of a card without a title. */
  label?: string
  /** The list of a list page, with a skip link. */
  results?: boolean
}

/** A bordered section, usually with a heading (h2). */
export function Card(props: PropsWithChildren<CardProps>) {
  const { title, note, aside, foot, span, id, flush, label, results, children } = props
  const names = ['card', span && `span-${span}`, props.class].filter(Boolean).join(' ')
  return (
    <section
      class={names}
      {...(id && { id })}
      {...(results && skipTarget('results'))}
      {...(label && { 'aria-label': label })}
    >
      {title && (
        <header class="card-head">
          <h2>{title}</h2>
          {note && <span class="muted">{note}</span>}
          {aside && <div class="card-aside">{aside}</div>}
        </header>
      )}
      {flush ? children : <div class="card-body">{children}</div>}
      {foot && <div class="card-foot">{foot}</div>}
    </section>
  )
}

export interface KpiProps {
  label: string
  /** The figure, or the parts of a duration; units are rendered smaller. All come from `format.ts`. */
  value: string | readonly { value: string; unit: string }[]
  unit?: string
  delta?: Child
  /** Follows the delta. */
  note?: Child
  /** Link to the items behind the number. */
  href?: string
  spark?: Child
}

/** A row of `Kpi`s. */
export const Kpis = ({ children, label }: PropsWithChildren<{ label: string }>) => (
  <section class="card" aria-label={label}>
    <dl class="kpis">{children}</dl>
  </section>
)

export function Kpi({ label, value, unit, delta, note, href, spark }: KpiProps) {
  const parts =
    typeof value === 'string' ? [{ value, unit }] : value.map((part) => ({ ...part, unit: ` ${part.unit}` }))
  const figure = (
    <>
      {parts.length === 0 && none}
      {parts.map((part, index) => (
        <>
          {index > 0 && ' '}
          {part.value}
          {part.unit && <small>{part.unit}</small>}
        </>
      ))}
    </>
  )
  return (
    <div class="kpi">
      <dt>
        {label}
        {spark}
      </dt>
      <dd class="kpi-value">{href ? <a href={href}>{figure}</a> : figure}</dd>
      <dd class="kpi-note">
        {delta}
        {delta && note ? ' ' : ''}
        {note}
      </dd>
    </div>
  )
}

export interface DeltaProps {
  /** Current minus previous value, in any unit; null when there is no previous value. */
  change: number | null
  /** The absolute change with its unit: 0.7 pts, 4%, 1.1 s. */
  text: string
  /** The direction that is an improvement; undefined when neither is. */
  better?: 'up' | 'down'
}

/** A change from the previous period, as an arrow and text. */
export function Delta({ change, text, better }: DeltaProps) {
  if (change === null) return <span class="delta">no data to compare</span>
  if (change === 0) return <span class="delta">no change</span>
  const direction = change > 0 ? 'up' : 'down'
  const tone = better === undefined ? '' : direction === better ? ' ok' : ' fail'
  return (
    <span class={`delta${tone}`}>
      <svg class="delta-arrow" viewBox="0 0 10 10" aria-hidden="true">
        <path d={direction === 'up' ? 'M5 1l5 8H0z' : 'M0 1h10L5 9z'} />
      </svg>
      <span class="visually-hidden">{direction} </span>
      {text}
    </span>
  )
}

export interface AttentionItem {
  tone: Tone
  /** What happened (bold). */
  what: Child
  /** Start time, severity and cause. */
  detail?: Child
  action?: { href: string; label: string } | undefined
}

const shownProblems = 3

/** The worst problems, each with one next step, and the number of others. */
export function Attention({ items, empty = 'All clear.' }: { items: AttentionItem[]; empty?: string }) {
  const more = items.length - shownProblems
  const shown = items.slice(0, shownProblems)
  if (more > 0) shown.push({ tone: 'wait', what: `${plural(more, 'more problem')}.` })
  return (
    <section
      class="card attention"
      aria-label="Needs attention"
      {...(items.length > 0 && skipTarget('attention'))}
    >
      <ul>
        {items.length === 0 && (
          <li>
            <Glyph tone="ok" />
            <p>
              <b>{empty}</b>
            </p>
          </li>
        )}
        {shown.map(({ tone, what, detail, action }) => (
          <li>
            <Glyph tone={tone} />
            <p>
              <b>{what}</b> {detail}
            </p>
            {action && (
              <a class="button small" href={action.href}>
                {action.label}
              </a>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

export interface EmptyProps {
  /** What is missing: "No deployments yet." */
  title: string
  /** The reason, or what will appear here. */
  children?: Child
  action?: Child
}

/** Empty state: what is missing, why, and one button. */
export const Empty = ({ title, children, action }: EmptyProps) => (
  <div class="empty">
    <p class="strong">{title}</p>
    {children && <p class="muted">{children}</p>}
    {action && <div class="empty-action">{action}</div>}
  </div>
)

/** The result of a form, shown on the next page. */
export const NoticeBar = ({ kind, text }: Notice) => (
  <div class={`notice ${kind}`} role={kind === 'fail' ? 'alert' : 'status'}>
    <Glyph tone={kind} />
    <p>{text}</p>
  </div>
)

/** A note in a box: "Values are redacted." */
export const Remark = ({ children, tone }: PropsWithChildren<{ tone?: Tone }>) => (
  <div class="remark">
    {tone ? <Glyph tone={tone} /> : <Icon name="help" small />}
    <p>{children}</p>
  </div>
)

/** Terms and descriptions side by side. Skips null items. */
export const KeyValues = ({
  items,
  figures = false,
}: {
  items: readonly (readonly [string, Child] | null)[]
  /** Aligns the values on the right. */
  figures?: boolean
}) => (
  <dl class={figures ? 'key-values figures' : 'key-values'}>
    {items.map(
      (item) =>
        item && (
          <>
            <dt>{item[0]}</dt>
            <dd>{item[1]}</dd>
          </>
        ),
    )}
  </dl>
)

/** Monospaced text that scrolls horizontally. */
export const CodeBox = ({ children, id }: PropsWithChildren<{ id?: string }>) => (
  <pre class="code-box" tabindex={0} {...(id && { id })}>
    {children}
  </pre>
)
