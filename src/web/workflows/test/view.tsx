/** @module The form that tests a workflow, the latest tests, and the result of one. */
import { inputText } from './input-text.ts'
import type { JsonObject } from '../../../lib/json-object.ts'
import type { TestNode, TestRun } from '../../../testing/contract.ts'
import { Card, CodeBox, Empty, Grid, KeyValues, Remark } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { CheckField, Form, FormError, SelectField, TextArea, TextField } from '../../components/form.tsx'
import { Status, type StatusStyle } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import type { FormState } from '../../form-data.ts'
import { duration, plural, type TimeFormat } from '../../format.ts'
import { GraphCard } from '../graph/graph.tsx'
import { addMark, type NodeMark } from '../graph/marks.ts'
import { readGraph } from '../graph/model.ts'
import type { GraphState } from '../graph/view-state.ts'
import { workflowHref } from '../links.ts'

const styles: Record<TestRun['status'], StatusStyle> = {
  running: { tone: 'run', label: 'Running' },
  passed: { tone: 'ok', label: 'Passed' },
  failed: { tone: 'fail', label: 'Failed' },
  error: { tone: 'wait', label: 'Could not run' },
}

const nodeStyles: Record<'success' | 'error' | 'not-run', StatusStyle> = {
  success: { tone: 'ok', label: 'Success' },
  error: { tone: 'fail', label: 'Error' },
  'not-run': { tone: 'idle', label: 'Did not run' },
}

const reasons: Record<NonNullable<TestNode['reason']>, string> = {
  disabled: 'it is disabled',
  writes: 'it changes data',
  'unknown-effect': 'its effect is unknown',
  'missing-credential': 'it needs a credential',
  waits: 'it waits',
  'calls-workflow': 'it runs another workflow',
  'sub-node': 'one of its sub-nodes must not run',
}
const replayText = ({ passed, runs, differences }: NonNullable<TestRun['replay']>): string =>
  `${passed} of ${runs} replayed runs passed, ${differences} ${differences === 1 ? 'node differs' : 'nodes differ'}`

const differencesText = ({ differences }: TestNode): string | null =>
  differences && differences.length > 0 ? `Differs from the recorded run: ${differences.join(', ')}` : null

const sources = { pinned: 'Its pinned data', recorded: 'Data of its recorded shape', input: 'Its input' }

/** Such as `Its pinned data, because it changes data`. */
function treatmentText({ treatment, reason, source }: TestNode): string {
  if (treatment === 'run') return 'Ran unchanged'
  if (treatment === 'input') return 'The input of the test'
  const instead = source === null ? 'Skipped' : sources[source]
  return reason === null ? instead : `${instead}, because ${reasons[reason]}`
}

export interface TestFormProps extends FormState {
  workflowId: string
  requireReplay: boolean
  instances: readonly { id: string; name: string }[]
  triggers: readonly string[]
  tests: readonly TestRun[]
  time: TimeFormat
}

const writesOptions: [string, string][] = [
  ['pin', 'Replace them with recorded or pinned data'],
  ['disable', 'Skip them'],
  ['run', 'Run them'],
]

export function TestsView(props: TestFormProps) {
  const { workflowId, requireReplay, instances, triggers, tests, time, values, errors } = props
  const path = workflowHref(workflowId, '/tests')
  const isReplay = Boolean(values.runs)
  const shared = (form: string, isShown: boolean) => (
    <>
      <SelectField
        name="instanceId"
        id={`${form}-instance`}
        label="Instance"
        value={values.instanceId ?? ''}
        error={isShown ? errors.instanceId : undefined}
        options={instances.map(({ id, name }) => [id, name])}
      />
      <SelectField
        name="writes"
        id={`${form}-writes`}
        label="Nodes that change data"
        value={values.writes ?? 'pin'}
        error={isShown ? errors.writes : undefined}
        options={writesOptions}
      />
    </>
  )
  return (
    <Grid>
      <Card span={6} title="Run a test">
        {instances.length === 0 ? (
          <Empty
            title="No instances yet."
            action={
              <LinkButton href="/instances/new" kind="primary" icon="plus">
                Add instance
              </LinkButton>
            }
          >
            A test runs on one of your n8n instances.
          </Empty>
        ) : (
          <Form action={path} page={path}>
            <p class="soft">
              Runs a copy of the current version once in n8n and removes it. Nodes that need a credential do
              not run.
            </p>
            {shared('test', !isReplay)}
            {triggers.length > 1 && (
              <SelectField
                name="trigger"
                label="Trigger"
                value={values.trigger ?? ''}
                error={errors.trigger}
                options={triggers.map((name) => [name, name])}
              />
            )}
            <TextArea
              name="input"
              label="Input"
              value={values.input ?? ''}
              error={errors.input}
              hint="JSON of the item that the trigger outputs, or of a list of items."
              rows={10}
            />
            <FormError>{isReplay ? undefined : errors['']}</FormError>
            <div class="actions">
              <Button kind="primary">Run test</Button>
            </div>
          </Form>
        )}
      </Card>
      <Card span={6} title="Replay recorded runs">
        {instances.length > 0 && (
          <Form action={path} page={path}>
            <p class="soft">
              Repeats the newest successful runs with their{' '}
              <a href={workflowHref(workflowId, '/values')}>stored values</a>, one after another, and compares
              each node.
            </p>
            {shared('replay', isReplay)}
            <TextField
              name="runs"
              label="Runs"
              required
              type="number"
              min={1}
              max={5}
              value={values.runs || '3'}
              error={errors.runs}
              hint="1 to 5."
            />
            <FormError>{isReplay ? (errors.replay ?? errors['']) : undefined}</FormError>
            <div class="actions">
              <Button>Replay</Button>
            </div>
          </Form>
        )}
        <Form action={`${path}/setting`} page={path}>
          <CheckField
            name="requireReplay"
            label="Publish a version only after its replay on the instance has passed"
            checked={requireReplay}
          />
          <div class="actions">
            <Button>Save</Button>
          </div>
        </Form>
      </Card>
      <Card span={12} title="Latest tests" flush>
        {tests.length === 0 ? (
          <Empty title="No tests yet.">Run one to see what each node does.</Empty>
        ) : (
          <Table
            caption="Tests, newest first"
            columns={[{ label: 'Test' }, { label: 'Result' }, { label: 'Duration', numeric: true }]}
          >
            {tests.map((test) => (
              <Tr>
                <Td>
                  <NameCell
                    href={`${path}/${test.id}`}
                    name={<Time at={test.createdAt} format={time} />}
                    note={test.replay ? `v${test.version} · ${replayText(test.replay)}` : `v${test.version}`}
                  />
                </Td>
                <Td phone="end">
                  <Status {...styles[test.status]} />
                </Td>
                <Td numeric phone="hide">
                  {test.durationMs === null ? '–' : duration(test.durationMs)}
                </Td>
              </Tr>
            ))}
          </Table>
        )}
      </Card>
    </Grid>
  )
}

export interface TestViewProps {
  test: TestRun
  /** Of the tested version; null if it is deleted. */
  workflow: JsonObject | null
  instance: string | null
  graphState: GraphState
  time: TimeFormat
}

export function TestView({ test, workflow, instance, graphState, time }: TestViewProps) {
  const { nodes } = test
  return (
    <div
      class="stack"
      {...((test.status === 'running' || test.replay?.status === 'running') && { 'data-refresh': true })}
    >
      <Grid>
        <Card span={4} title="Test">
          <KeyValues
            items={[
              ['Result', <Status {...styles[test.status]} />],
              test.error === null ? null : ['Error', test.error],
              test.replay && ['Replay', replayText(test.replay)],
              ['Version', `v${test.version}`],
              ['Instance', instance ?? 'Deleted instance'],
              ['Trigger', test.trigger],
              test.durationMs === null ? null : ['Duration', duration(test.durationMs)],
              ['Started', <Time at={test.createdAt} format={time} />],
            ]}
          />
          {test.removedAt === null && (
            <Remark tone="wait">Flowkeep is still removing the copy from n8n.</Remark>
          )}
        </Card>
        <Card span={8} title="Nodes" flush>
          {nodes.length === 0 ? (
            <Empty title="No node ran.">{test.error ?? 'The test has not finished.'}</Empty>
          ) : (
            <Table
              caption="Nodes of the test"
              columns={[{ label: 'Node' }, { label: 'Result' }, { label: 'Items', numeric: true }]}
            >
              {nodes.map((node) => (
                <Tr {...(node.status === 'error' && { tone: 'fail' as const })}>
                  <Td>
                    <NameCell
                      name={node.name}
                      note={node.error?.message ?? differencesText(node) ?? treatmentText(node)}
                    />
                    {node.outputs.map(
                      ({ shape, sample }) =>
                        shape !== null && (
                          <details>
                            <summary>{shape}</summary>
                            {sample !== null && <CodeBox>{inputText(sample)}</CodeBox>}
                          </details>
                        ),
                    )}
                  </Td>
                  <Td phone="end">{node.status ? <Status {...nodeStyles[node.status]} /> : '–'}</Td>
                  <Td numeric phone="hide">
                    {node.status === 'not-run' ? '–' : plural(node.items, 'item')}
                  </Td>
                </Tr>
              ))}
            </Table>
          )}
        </Card>
      </Grid>
      {workflow && (
        <GraphCard
          id="test-graph"
          title={`Tested version ${test.version}`}
          note={`v${test.version}`}
          graph={readGraph(workflow)}
          state={graphState}
          marks={marksOf(nodes)}
        />
      )}
    </div>
  )
}

function marksOf(nodes: readonly TestNode[]): Map<string, NodeMark[]> {
  const marks = new Map<string, NodeMark[]>()
  for (const node of nodes) {
    if (node.error) addMark(marks, node.name, { kind: 'error', note: node.error.message })
    else if (node.reason === 'missing-credential')
      addMark(marks, node.name, { kind: 'credential', note: treatmentText(node) })
  }
  return marks
}
