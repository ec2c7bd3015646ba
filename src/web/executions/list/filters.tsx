/** @module The filters of the run list: statuses as links, the others in a form. */
import { type ExecutionStatus, runKinds } from '../../../db/schema/executions.ts'
import {
  Chip,
  FilterForm,
  FilterLookup,
  FilterSelect,
  FilterText,
  withQuery,
} from '../../components/controls.tsx'
import { Icon } from '../../components/icons.tsx'
import { executionStyle } from '../../components/status.tsx'
import { skipTarget } from '../../components/skips.ts'
import { cutNote, type TimeFormat } from '../../format.ts'
import { localInstant, localText } from '../../../lib/local-time.ts'
import { kindLabels, modeChoices, modeWord } from '../../components/node-labels.ts'
import type { FilterChoices } from '../../../executions/list-queries.ts'
import { type FilterName, isAgo, listQuery, type RunFilter } from '../../links/run-filter.ts'

const path = '/executions'

const statusChips = [
  ['failed', 'Failed'],
  ['running', 'Running'],
  ['stuck', 'Stuck'],
  ['waiting', 'Waiting'],
  ['success', 'Succeeded'],
  ['canceled', 'Canceled'],
] as const

const periods = [
  ['', 'Any time'],
  ['1h', 'Last hour'],
  ['24h', 'Last 24 h'],
  ['yesterday', 'Yesterday'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
] as const

const kindChoices = runKinds.map((kind) => [kind, kindLabels[kind]] as const)
const kindText = (kinds = '') =>
  runKinds
    .filter((kind) => kinds.split(',').includes(kind))
    .map((kind) => kindLabels[kind])
    .join(', ')

const modeText = (modes = '') => modes.split(',').map(modeWord).join(', ')

export interface FiltersProps {
  filter: RunFilter
  choices: FilterChoices
  time: TimeFormat
}

export function Filters({ filter, choices, time }: FiltersProps) {
  const { query } = filter
  const without = (...names: FilterName[]) =>
    withQuery(
      path,
      new URLSearchParams(listQuery(query)),
      Object.fromEntries(names.map((name) => [name, null])),
    )
  const isCustomPeriod = query.from !== undefined && !periods.some(([value]) => value === query.from)
  const isCustomKind = query.kind !== undefined && !kindChoices.some(([value]) => value === query.kind)
  const isCustomMode = query.mode !== undefined && !modeChoices.some(([value]) => value === query.mode)
  const set = chipsOf(filter, choices, time)
  const keep = { ...(query.error && { error: query.error }), ...(query.dep && { dep: query.dep }) }
  return (
    <div class="runs-filters" {...skipTarget('filters')}>
      <nav class="runs-chips" aria-label="Status">
        {statusChips.map(([value, label]) => (
          <Chip
            label={label}
            removes={query.status === value}
            href={
              query.status === value
                ? without('status')
                : withQuery(path, new URLSearchParams(listQuery(query)), { status: value })
            }
          />
        ))}
        {set.map(({ name, label, value }) => (
          <Chip label={label} value={value} href={without(name)} removes />
        ))}
        {Object.keys(query).length > 0 && (
          <a class="link" href={path}>
            Clear filters
          </a>
        )}
      </nav>
      <FilterForm nested action={path} keep={{ ...keep, ...(query.status && { status: query.status }) }}>
        <FilterText label="Workflow, error or #number" value={query.q ?? ''} />
        <WorkflowChoice filter={filter} workflows={choices.workflows} />
        <FilterSelect
          name="mode"
          label="Trigger"
          value={query.mode ?? ''}
          options={[
            ['', 'All triggers'],
            ...(isCustomMode ? [[query.mode ?? '', modeText(query.mode)] as const] : []),
            ...modeChoices,
          ]}
        />
        <FilterSelect
          name="kind"
          label="Kind"
          value={query.kind ?? ''}
          options={[
            ['', 'All kinds'],
            ...(isCustomKind ? [[query.kind ?? '', kindText(query.kind)] as const] : []),
            ...kindChoices,
          ]}
        />
        <FilterSelect
          name="inst"
          label="Instance"
          value={query.inst ?? ''}
          options={[
            ['', 'All instances'],
            ...choices.instances.items.map(({ id, name }) => [id, name] as const),
          ]}
          note={cutNote(choices.instances)}
        />
        <FilterSelect
          name={isCustomPeriod ? 'period' : 'from'}
          label="Period"
          value={isCustomPeriod ? '' : (query.from ?? '')}
          options={isCustomPeriod ? [['', 'Custom period'], ...periods.slice(1)] : periods}
        />
        <details class="runs-more">
          <summary class="button">
            <Icon name="filter" />
            More
          </summary>
          <div class="runs-more-fields">
            <TimeField name="from" label="From" filter={filter} time={time} />
            <TimeField name="to" label="To" filter={filter} time={time} />
            <MoreField name="v" label="Version" type="number" value={query.v} />
            <MoreField name="node" label="Failed at node" type="text" value={query.node} />
            <button type="submit" class="button">
              Filter
            </button>
          </div>
        </details>
      </FilterForm>
    </div>
  )
}

/** A select, or a text field if there are too many workflows. A chip shows the chosen workflow next to the text field. */
function WorkflowChoice({
  filter: { query, search },
  workflows,
}: Pick<FiltersProps, 'filter'> & {
  workflows: FilterChoices['workflows']
}) {
  if (workflows.isCut) {
    return (
      <>
        {search.workflowId && <input type="hidden" name="wf" value={search.workflowId} />}
        <FilterLookup
          name="wfname"
          label="Name of a workflow"
          value={search.workflowName ?? ''}
          suggestions={workflows.items.map(({ name }) => name)}
        />
      </>
    )
  }
  const isDeleted = query.wf !== undefined && !workflows.items.some(({ id }) => id === query.wf)
  return (
    <FilterSelect
      name="wf"
      label="Workflow"
      value={query.wf ?? ''}
      options={[
        ['', 'All workflows'],
        ...(isDeleted ? [[query.wf ?? '', 'Deleted workflow'] as const] : []),
        ...workflows.items.map(({ id, name }) => [id, name] as const),
      ]}
    />
  )
}

/** If the field cannot show the exact time, a hidden input holds it and applies while the field is empty. */
function TimeField(props: { name: 'from' | 'to'; label: string; filter: RunFilter; time: TimeFormat }) {
  const { name, label, filter, time } = props
  const given = filter.query[name]
  const at = given === undefined ? undefined : filter.search[name]
  const isPeriod = periods.some(([value]) => value === given)
  const text = at && localText(at, time.timeZone)
  const isShown = text && !isAgo(given ?? '') && localInstant(text, time.timeZone)?.getTime() === at.getTime()
  return (
    <>
      {given && !isPeriod && !isShown && <input type="hidden" name={name} value={given} />}
      <MoreField name={name} label={label} type="datetime-local" value={isShown ? text : undefined} />
    </>
  )
}

const stepOf = (value = '') => (value.includes('.') ? '0.001' : /:\d\d:/.test(value) ? '1' : undefined)

const MoreField = ({
  name,
  label,
  type,
  value,
}: {
  name: FilterName
  label: string
  type: 'datetime-local' | 'number' | 'text'
  value: string | undefined
}) => (
  <label>
    <span>{label}</span>
    <input
      class="input"
      type={type}
      name={name}
      value={value ?? ''}
      {...(type === 'number' && { min: 1, step: 1 })}
      {...(type === 'datetime-local' && stepOf(value) && { step: stepOf(value) })}
      {...(type === 'text' && { maxlength: 256, autocomplete: 'off' })}
    />
  </label>
)

const statusesText = (statuses: string): string =>
  statuses
    .split(',')
    .map((status) =>
      status === 'failed' ? 'Failed' : executionStyle({ status: status as ExecutionStatus }).label,
    )
    .join(', ')

/** Active filters that no visible control shows. */
function chipsOf({ query, search }: RunFilter, { workflows }: FilterChoices, time: TimeFormat) {
  const workflow = workflows.items.find(({ id }) => id === search.workflowId)?.name ?? 'Deleted workflow'
  const isKnownStatus = statusChips.some(([value]) => value === query.status)
  const isPeriod = periods.some(([value]) => value === query.from)
  const all: { name: FilterName; label: string; value: string | undefined | false }[] = [
    { name: 'status', label: 'Status', value: !isKnownStatus && query.status && statusesText(query.status) },
    {
      name: 'wf',
      label: 'Workflow',
      value: workflows.isCut && search.workflowId !== undefined && workflow,
    },
    {
      name: 'wfname',
      label: 'Workflow name',
      value: !workflows.isCut && search.workflowName,
    },
    { name: 'v', label: 'Version', value: query.v && `v${query.v}` },
    { name: 'node', label: 'Failed at', value: query.node },
    { name: 'error', label: 'Error group', value: query.error },
    { name: 'dep', label: 'Deployment', value: query.dep && `…${query.dep.slice(-6)}` },
    { name: 'from', label: 'From', value: !isPeriod && search.from && time.inSentence(search.from) },
    { name: 'to', label: 'To', value: query.to && search.to && time.inSentence(search.to) },
  ]
  return all.flatMap(({ name, label, value }) => (value ? [{ name, label, value }] : []))
}
