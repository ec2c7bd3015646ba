/** @module The page of one version, and the page that compares two. */
import type { WorkflowVersion } from '../../../workflows/contract.ts'
import { Card } from '../../components/card.tsx'
import { Button, LinkButton, withQuery } from '../../components/controls.tsx'
import { SelectField } from '../../components/form.tsx'
import { Time } from '../../components/table.tsx'
import { plural, type TimeFormat } from '../../format.ts'
import { ChangesView, type FieldChange } from './changes-view.tsx'
import { GraphCard } from '../graph/graph.tsx'
import { addMark, type EdgeMarks, type NodeMark } from '../graph/marks.ts'
import { connectionKey, countNodes, readGraph } from '../graph/model.ts'
import type { GraphState } from '../graph/view-state.ts'
import { diffHref, runsHref, workflowHref } from '../links.ts'
import { shownLines } from '../../components/shown-value.ts'
import { isObject } from '../../../lib/json-object.ts'
import { describeChanges, type VersionChanges } from './changes.ts'
import type { EditOperation } from '../../../workflows/edits/operations.ts'
import { sentencesOf } from '../../../workflows/edits/sentences.ts'
import { Edits, PromptQuote, RestoreButton } from './list.tsx'

interface VersionProps {
  workflowId: string
  currentVersion: number
  version: WorkflowVersion
  time: TimeFormat
  graphState: GraphState
}

const promptChars = 100_000

export function VersionView({ workflowId, currentVersion, version: each, time, graphState }: VersionProps) {
  const { version, model, createdAt, name } = each
  const graph = readGraph(each.workflow, { triggerTypes: each.triggerTypes })
  return (
    <>
      <Card
        title={`Version ${version}`}
        note={version === currentVersion ? 'current' : `of ${currentVersion}`}
        aside={
          <>
            {version > 1 && (
              <LinkButton small href={diffHref(workflowId, version - 1, version)}>
                Compare with v{version - 1}
              </LinkButton>
            )}
            {version !== currentVersion && (
              <>
                <LinkButton small href={diffHref(workflowId, version, currentVersion)}>
                  Compare with v{currentVersion}
                </LinkButton>
                <RestoreButton workflowId={workflowId} version={version} currentVersion={currentVersion} />
              </>
            )}
          </>
        }
      >
        <PromptQuote version={each} before={null} maxChars={promptChars} />
        <Edits edits={each.operations && sentencesOf(each.operations as EditOperation[], Infinity)} />
        <p class="version-meta">
          {model && <span>{model}</span>}
          <Time at={createdAt} format={time} />
          <span>{plural(countNodes(each.workflow), 'node')}</span>
          <a class="link" href={runsHref(workflowId, { v: String(version) })}>
            View runs
          </a>
        </p>
      </Card>
      <GraphCard
        id="version"
        title={`${name}, version ${version}`}
        note={`v${version}`}
        graph={graph}
        state={graphState}
        workflow={each.workflow}
      />
    </>
  )
}

interface DiffProps {
  workflowId: string
  from: WorkflowVersion
  to: WorkflowVersion
  /** The highest version number. */
  currentVersion: number
  /** The number of changed nodes on previous pages. */
  after: number
  graphState: GraphState
}

/** Two versions of a workflow may differ in thousands of nodes. */
const nodesPerPage = 200

export function DiffView({ workflowId, from, to, currentVersion, after, graphState }: DiffProps) {
  const changes = describeChanges(from.workflow, to.workflow)
  const { graph, marks, edgeMarks } = unionGraph(from, to, changes)
  const { diff } = changes
  return (
    <>
      <VersionChoice
        workflowId={workflowId}
        from={from.version}
        to={to.version}
        currentVersion={currentVersion}
      />
      <GraphCard
        id="diff"
        title={`Changes from version ${from.version} to version ${to.version}`}
        note={`v${from.version} → v${to.version}`}
        graph={graph}
        marks={marks}
        edgeMarks={edgeMarks}
        state={graphState}
        focusOn={['removed', 'added', 'changed']}
        class="graph-diff"
      />
      <Card
        title="Changes"
        note={[
          diff.added.length > 0 && `+${plural(diff.added.length, 'node')}`,
          diff.removed.length > 0 && `−${plural(diff.removed.length, 'node')}`,
          diff.changed.length > 0 && `${diff.changed.length} changed`,
        ]
          .filter(Boolean)
          .join(', ')}
        flush
      >
        <ChangesView
          changes={changes}
          fields={fieldChanges(from, to)}
          maxBlocks={nodesPerPage}
          after={after < changes.blocks.length ? after : 0}
          hrefAfter={(nodes) =>
            withQuery(
              diffHref(workflowId, from.version, to.version),
              {},
              { after: nodes?.toString() ?? null },
            )
          }
        />
      </Card>
    </>
  )
}

/** A form that opens the comparison of any two versions. */
function VersionChoice({
  workflowId,
  from,
  to,
  currentVersion,
}: Pick<DiffProps, 'workflowId' | 'currentVersion'> & { from: number; to: number }) {
  const newest = Array.from({ length: Math.min(currentVersion, 200) }, (_, index) => currentVersion - index)
  const options = [...new Set([...newest, from, to])]
    .toSorted((a, b) => b - a)
    .map((version) => [String(version), `v${version}`] as const)
  return (
    <Card label="Versions to compare">
      <form class="version-choice" method="get" action={workflowHref(workflowId, '/diff')}>
        <SelectField name="from" label="From" options={options} value={String(from)} />
        <SelectField name="to" label="To" options={options} value={String(to)} />
        <Button>Compare</Button>
        {from !== to && (
          <LinkButton href={diffHref(workflowId, to, from)} icon="retry">
            Swap
          </LinkButton>
        )}
      </form>
    </Card>
  )
}

/** The graph of the newer version with the removed nodes of the older one. */
function unionGraph(from: WorkflowVersion, to: WorkflowVersion, { diff, removedNodes }: VersionChanges) {
  const graph = readGraph(to.workflow, {
    triggerTypes: [...to.triggerTypes, ...from.triggerTypes],
    removedNodes,
    removedConnections: diff.connections.removed,
  })
  return { graph, ...changeMarks(diff) }
}

/** Marks added, removed and changed nodes and connections. */
export function changeMarks(diff: VersionChanges['diff']) {
  const marks = new Map<string, NodeMark[]>()
  for (const node of diff.added) addMark(marks, node, { kind: 'added', note: 'New' })
  for (const node of diff.removed) addMark(marks, node, { kind: 'removed', note: 'Removed' })
  for (const { node, paths } of diff.changed) {
    addMark(marks, node, { kind: 'changed', note: `Changed: ${plural(paths.length, 'parameter')}` })
  }
  const edgeMarks: EdgeMarks = new Map([
    ...diff.connections.added.map((each) => [connectionKey(each), 'added'] as const),
    ...diff.connections.removed.map((each) => [connectionKey(each), 'removed'] as const),
  ])
  return { marks, edgeMarks }
}

const describedFields = ['name', 'description', 'prompt', 'model'] as const

function fieldChanges(from: WorkflowVersion, to: WorkflowVersion): FieldChange[] {
  const texts = [
    ...describedFields.map((field) => ({ field: field as string, was: from[field], is: to[field] })),
    { field: 'tags', was: from.tags.join(', '), is: to.tags.join(', ') },
    { field: 'settings', was: settingsText(from), is: settingsText(to) },
  ]
  return texts.flatMap(({ field, was, is }) =>
    (was ?? '') === (is ?? '')
      ? []
      : [
          {
            field,
            lines: [
              ...(was
                ? shownLines(was, is ?? null).map((value) => ({ sign: '-' as const, label: '', value }))
                : []),
              ...(is
                ? shownLines(is, was ?? null).map((value) => ({ sign: '+' as const, label: '', value }))
                : []),
            ],
          },
        ],
  )
}

/** One setting on each line, sorted by name. */
function settingsText({ workflow }: WorkflowVersion): string {
  if (!isObject(workflow.settings)) return ''
  return Object.entries(workflow.settings)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join('\n')
}
