/** @module The versions of a workflow and their prompts, newest first. */
import { type ChangeCounts, countChanges } from './changes.ts'
import type { WorkflowVersionSummary } from '../../../workflows/contract.ts'
import { Action } from '../../components/controls.tsx'
import { statusBadge, StatusTag } from '../../components/status.tsx'
import { Time } from '../../components/table.tsx'
import type { DeploymentListRow } from '../../../deployments/list-queries.ts'
import { percent, percentRange, plural, type TimeFormat } from '../../format.ts'
import type { PercentageInterval } from '../../../runs/meaning.ts'
import { countedRunsHref, diffHref, workflowHref } from '../links.ts'
import type { VersionRate } from '../../../workflows/detail-queries.ts'

export interface ListedVersion {
  version: WorkflowVersionSummary
  /** Compared to the previous version. Null for the first version or if unknown. */
  counts: ChangeCounts | null
  /** The previous version. Null for the first version or if it is not on the page. */
  before: WorkflowVersionSummary | null
}

export interface VersionListProps {
  workflowId: string
  currentVersion: number
  versions: readonly ListedVersion[]
  /** Success rates of the last 30 days. */
  rates: ReadonlyMap<number, VersionRate>
  deployments: readonly DeploymentListRow[]
  time: TimeFormat
  /** Shows more of the prompt, and buttons to compare and restore. */
  full?: boolean
}

export const VersionList = (props: VersionListProps) => (
  <ol class="versions">
    {props.versions.map((listed, index) => {
      const newer = props.versions[index - 1]?.version.version
      return (
        <>
          {newer !== undefined && <Gap from={listed.version.version + 1} to={newer - 1} />}
          <Version {...props} listed={listed} />
        </>
      )
    })}
  </ol>
)

/** Stands for versions that were compacted. */
const Gap = ({ from, to }: { from: number; to: number }) =>
  from > to ? null : (
    <li class="muted">
      {from === to ? `Version ${from} was` : `Versions ${from} to ${to} were`} deleted by compacting.
    </li>
  )

function Version(props: VersionListProps & { listed: ListedVersion }) {
  const { workflowId, currentVersion, listed, rates, deployments, time, full } = props
  const { version: each, counts, before } = listed
  const { version, model, createdAt, parent, author } = each
  const isCurrent = version === currentVersion
  return (
    <li class={isCurrent ? 'current' : ''}>
      <a
        class="version-chip"
        href={workflowHref(workflowId, `/versions/${version}`)}
        data-row={full ? true : undefined}
      >
        v{version}
      </a>
      <div class="version-body">
        {(!each.edits || isNewPrompt(each, before)) && (
          <PromptQuote version={each} before={before} maxChars={full ? 600 : 240} />
        )}
        <Edits edits={each.edits} maxEdits={full ? Infinity : 3} />
        <p class="version-meta">
          {model && <span>{model}</span>}
          <Time at={createdAt} format={time} />
          {author === 'n8n' && <span>Edited in n8n, from v{parent}</span>}
          {author === 'flowkeep' && <span>Fixed for deployment, from v{parent}</span>}
          {author === 'user' && parent !== null && parent !== version - 1 && (
            <span>Restored from v{parent}</span>
          )}
          {counts && version > 1 && (
            <a class="counts" href={diffHref(workflowId, version - 1, version)}>
              <Counts counts={counts} />
            </a>
          )}
          <Rate workflowId={workflowId} version={version} rate={rates.get(version)} />
          {deployments
            .filter((row) => row.version === version && row.status !== 'undeployed')
            .slice(0, 4)
            .map((row) => (
              <a href={`/deployments/${row.id}`}>
                <StatusTag {...statusBadge(row)} label={row.instanceName} />
                <span class="visually-hidden"> {statusBadge(row).label}</span>
              </a>
            ))}
        </p>
        {full && (
          <div class="actions">
            {version > 1 && (
              <a class="button small" href={diffHref(workflowId, version - 1, version)}>
                Compare with v{version - 1}
              </a>
            )}
            {!isCurrent && (
              <RestoreButton workflowId={workflowId} version={version} currentVersion={currentVersion} />
            )}
          </div>
        )}
      </div>
    </li>
  )
}

export const RestoreButton = ({
  workflowId,
  version,
  currentVersion,
}: {
  workflowId: string
  version: number
  currentVersion: number
}) => (
  <Action
    small
    icon="undo"
    action={workflowHref(workflowId, `/versions/${version}/restore`)}
    fields={{ expected: String(currentVersion) }}
    confirm={`Restore v${version}? Its content becomes v${currentVersion + 1}. Deployments do not change.`}
  >
    Restore v{version}
  </Action>
)

/** What the edits of a version did. Nothing for a version that was saved as a whole. */
export function Edits({
  edits,
  maxEdits = Infinity,
}: {
  edits: WorkflowVersionSummary['edits']
  maxEdits?: number
}) {
  if (!edits) return null
  const more = edits.length - maxEdits
  return (
    <ul class="version-edits">
      {edits.slice(0, maxEdits).map((edit) => (
        <li>{edit}</li>
      ))}
      {more > 0 && <li class="muted">and {plural(more, 'more edit')}</li>}
    </ul>
  )
}

const isNewPrompt = (
  { prompt }: Pick<WorkflowVersionSummary, 'prompt'>,
  before: Pick<WorkflowVersionSummary, 'prompt'> | null,
): boolean => Boolean(prompt?.trim()) && before?.prompt?.trim() !== prompt?.trim()

/** The prompt of a version, or why it has none. */
export function PromptQuote({
  version: { version, prompt },
  before,
  maxChars,
}: {
  version: Pick<WorkflowVersionSummary, 'version' | 'prompt'>
  before: Pick<WorkflowVersionSummary, 'version' | 'prompt'> | null
  maxChars: number
}) {
  const text = prompt?.trim()
  if (!text) {
    return <p class="muted">{version === 1 ? 'Imported.' : 'Edited manually.'} No prompt recorded.</p>
  }
  if (before?.prompt?.trim() === text) {
    return <p class="muted">Same prompt as v{before.version}.</p>
  }
  const chars = Array.from(text)
  return (
    <blockquote class="prompt">
      {chars.length > maxChars ? `${chars.slice(0, maxChars).join('')}…` : text}
    </blockquote>
  )
}

function Counts({ counts: { added, removed, changed } }: { counts: ChangeCounts }) {
  if (added + removed + changed === 0) return <span>No nodes changed</span>
  return (
    <>
      {added > 0 && <span class="ok">+{plural(added, 'node')}</span>}
      {removed > 0 && <span class="fail">−{plural(removed, 'node')}</span>}
      {changed > 0 && <span>{changed} changed</span>}
    </>
  )
}

function Rate({
  workflowId,
  version,
  rate,
}: {
  workflowId: string
  version: number
  rate: VersionRate | undefined
}) {
  if (!rate) return null
  return (
    <a href={countedRunsHref(workflowId, { v: String(version), from: '30d' })}>
      {rate.successRate === null ? 'no finished runs' : `${percent(rate.successRate / 100)} success`}
      <span class="muted">
        {' '}
        over {plural(rate.runs, 'run')}
        {isUncertain(rate.successRateInterval) && `, likely ${percentRange(rate.successRateInterval)}`}
      </span>
    </a>
  )
}

/** The runs are too few for the rate alone. */
const isUncertain = (interval: PercentageInterval | null): interval is PercentageInterval =>
  interval !== null && interval.high - interval.low >= 10

/** Success rates cover the last 30 days. */
export const rateDays = 30

/** @param items one more than `shown`, to compare the last one with its predecessor */
export function listVersions(
  items: readonly WorkflowVersionSummary[],
  contents: ReadonlyMap<number, Record<string, unknown>>,
  shown: number,
): ListedVersion[] {
  return items.slice(0, shown).map((version, index): ListedVersion => {
    const [older, newer] = [contents.get(version.version - 1), contents.get(version.version)]
    return {
      version,
      before: items[index + 1] ?? null,
      counts: older && newer ? countChanges(older, newer) : null,
    }
  })
}
