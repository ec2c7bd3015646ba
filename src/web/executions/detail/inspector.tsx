/** @module The selected node, and related runs of the same failure. */
import type { Child } from 'hono/jsx'
import { Card, CodeBox, KeyValues, Remark } from '../../components/card.tsx'
import { Icon, NodeBadge } from '../../components/icons.tsx'
import { credentialStyle, Status } from '../../components/status.tsx'
import { Time } from '../../components/table.tsx'
import { count, duration, plural, type TimeFormat, unknown } from '../../format.ts'
import { listParameters, parameterType } from '../../../executions/diagnosis/parameters.ts'
import type { RunView, SelectedNode } from './model.ts'
import { StoredValuesOf } from './stored-values.tsx'
import { rowTone, rowLabel } from './waterfall.tsx'

export function Inspector({ view, time }: { view: RunView; time: TimeFormat }) {
  const { selected, timeline } = view
  if (!selected) return null
  const row = timeline.rows.find(({ name }) => name === selected.name)
  const { run, reason } = selected
  return (
    <Card
      id="inspector"
      class="inspector"
      title={
        <span class="inspector-title">
          <NodeBadge type={selected.type} />
          {selected.name}
        </span>
      }
    >
      <div class="stack">
        <KeyValues
          items={[
            row
              ? [
                  'Status',
                  reason ? (
                    <span class="soft">Did not run: {reason}</span>
                  ) : (
                    <Status tone={rowTone(row.state)} label={rowLabel(row.state)} />
                  ),
                ]
              : null,
            ['Type', selected.type ? <code>{selected.type}</code> : unknown],
            run && ['Started', <Time at={run.startedAt} format={time} />],
            run && ['Duration', durationText(run.durationMs, run.runs)],
            run && ['Output items', count(run.items)],
            run?.error
              ? [
                  'Error',
                  `${run.error.message}${run.error.httpStatus === null ? '' : ` (HTTP ${run.error.httpStatus})`}`,
                ]
              : null,
            selected.credentials.length > 0
              ? [
                  selected.credentials.length > 1 ? 'Credentials' : 'Credential',
                  selected.credentials.map(({ id, name, status }) => (
                    <span class="inspector-credential">
                      <a class="link" href={`/credentials/${id}`}>
                        {name}
                      </a>{' '}
                      <Status {...credentialStyle(status)} />
                    </span>
                  )),
                ]
              : null,
          ]}
        />
        <Received selected={selected} />
        <StoredValuesOf view={view} />
        <Parameters selected={selected} />
        <RelatedRuns view={view} time={time} />
      </div>
    </Card>
  )
}

const durationText = (ms: number | null, runs: number): Child =>
  ms === null ? unknown : runs > 1 ? `${duration(ms)} over ${plural(runs, 'run')}` : duration(ms)

/** The shape of the items that a failed node received. */
function Received({ selected: { run } }: { selected: SelectedNode }) {
  const input = run?.input ?? []
  if (input.length === 0) return null
  return (
    <div class="inspector-facts">
      <h3>Received</h3>
      {input.map(({ node, output, items, shape }) => (
        <>
          <p>
            {plural(items, 'item')} from {node}
            {output > 0 && `, output ${output + 1}`}
          </p>
          {shape !== null && <CodeBox>{shape}</CodeBox>}
        </>
      ))}
    </div>
  )
}

function Parameters({ selected: { node } }: { selected: SelectedNode }) {
  if (!node) {
    return <Remark>The version that ran was deleted, so this node's parameters are unavailable.</Remark>
  }
  const { rows, omitted } = listParameters(node.json['parameters'])
  return (
    <div class="inspector-parameters">
      <h3>Parameters</h3>
      {rows.length === 0 ? (
        <p class="muted">No parameters set.</p>
      ) : (
        <>
          <div class="remark">
            <Icon name="hidden" small />
            <p>Values are redacted. Only keys, types and sizes are shown.</p>
          </div>
          <ul class="outline">
            {rows.map((row) => (
              <li class={`outline-${row.depth}`}>
                <span class="outline-key" title={row.key}>
                  {row.key}
                </span>
                <span class="outline-type">{parameterType(row)}</span>
              </li>
            ))}
          </ul>
          {omitted > 0 && <p class="muted">{plural(omitted, 'more key')}</p>}
        </>
      )}
    </div>
  )
}

/** The error group, and whether the run is safe to retry. */
function RelatedRuns({ view, time }: { view: RunView; time: TimeFormat }) {
  const { page, retry } = view
  const { group, run } = page
  if (!group && !retry) return null
  const before = group?.versionBefore
  return (
    <div class="inspector-facts">
      <h3>Related runs</h3>
      <KeyValues
        items={[
          group && [
            'Error group',
            <a class="link" href={`/errors/${group.fingerprint}`}>
              {plural(group.runs, 'run')}
              {group.firstSeen && ` since ${time.brief(group.firstSeen.at)}`}
            </a>,
          ],
          group?.firstSeen
            ? [
                'First seen',
                <>
                  {group.firstSeen.isSameWorkflow ? `v${group.firstSeen.version}` : 'in another workflow'},{' '}
                  <Time at={group.firstSeen.at} format={time} />
                </>,
              ]
            : null,
          before
            ? [
                `v${before.version}`,
                before.runs > 0 ? (
                  <Status tone="fail" label={`Same error in ${plural(before.runs, 'run')}`} />
                ) : (
                  <Status tone="ok" label="Did not have this error" />
                ),
              ]
            : group && ['Previous version', `No runs before v${run.workflowVersion}`],
          page.fixes.length > 0
            ? [
                'Fixed before',
                page.fixes.map((fix) => (
                  <span class="inspector-credential">
                    <a
                      class="link"
                      href={`/workflows/${fix.workflow_id}/diff/${fix.failed_in}..${fix.version}`}
                    >
                      {fix.workflow_id === run.workflowId ? '' : `${fix.workflow_name} `}v{fix.version}
                    </a>{' '}
                    <span class="muted">after v{fix.failed_in} failed</span>
                  </span>
                )),
              ]
            : null,
          retry && ['Safe to retry?', retry.text],
        ]}
      />
    </div>
  )
}
