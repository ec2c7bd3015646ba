/** @module The forms: a workflow kept anew, changed by hand, deleted. */
import type { FieldError } from '../../../errors.ts'
import type { Workflow } from '../../../workflows/contract.ts'
import { Card, Grid, Remark } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { CheckField, Form, FormError, TextArea, TextField } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import { deploymentLook } from '../../components/status.tsx'
import type { BoardRow } from '../../../deployments/list-queries.ts'
import { plural } from '../../format.ts'
import { diffHref, workflowHref } from '../links.ts'
import { ImportWays } from '../list/view.tsx'
import { nodeAt, type WorkflowFormState } from './form.ts'

/** Under the JSON: what is wrong where. */
function Faults({ faults, text }: { faults: readonly FieldError[]; text: string | undefined }) {
  if (faults.length === 0) return null
  return (
    <ul class="faults" aria-label="What is wrong in the JSON">
      {faults.map(({ pointer, detail }) => {
        const node = nodeAt(text, pointer)
        return (
          <li>
            <code>{pointer}</code> {detail}
            {node && <span class="muted"> ({node})</span>}
          </li>
        )
      })}
    </ul>
  )
}

const maxPromptChars = '100,000'

function PromptFields({ state: { values, errors } }: { state: WorkflowFormState }) {
  return (
    <>
      <TextArea
        {...{ name: 'prompt', label: 'Prompt', required: false, rows: 4, value: values.prompt ?? '' }}
        {...{ error: errors.prompt, hint: `What it was made from. At most ${maxPromptChars} characters.` }}
      />
      <TextField
        {...{ name: 'model', label: 'Model', required: false, value: values.model ?? '' }}
        {...{ error: errors.model, hint: 'That wrote it, or who did.', maxlength: 200 }}
      />
    </>
  )
}

const NameField = ({
  state: { values, errors },
  required,
}: {
  state: WorkflowFormState
  required: boolean
}) => (
  <TextField
    {...{
      name: 'name',
      label: 'Name',
      required,
      value: values.name ?? '',
      error: errors.name,
      maxlength: 200,
    }}
    {...(!required && { hint: 'Left empty: the one in the JSON.' })}
  />
)

const TagsField = ({ state: { values, errors } }: { state: WorkflowFormState }) => (
  <TextField
    {...{ name: 'tags', label: 'Tags', required: false, value: values.tags ?? '', error: errors.tags }}
    hint="With commas between."
  />
)

interface NewProps {
  /** What makes the form good for one workflow, however often it is sent. */
  once: string
  state: WorkflowFormState
  publicUrl: string
}

export const NewWorkflowView = ({ once, state, publicUrl }: NewProps) => (
  <>
    <PageHead title="Add workflow" />
    <Grid>
      <Card title="n8n JSON and its prompt" span={8}>
        <Form action="/workflows/new">
          <input type="hidden" name="once" value={once} />
          <TextArea
            {...{ name: 'workflow', label: 'n8n JSON', mono: true, rows: 14, required: true }}
            {...{ value: state.values.workflow ?? '', error: state.errors.workflow }}
            focus={state.errors[''] === undefined}
            hint="In n8n: Download in the menu of the workflow, or Ctrl+A and Ctrl+C on its canvas. At most 2 MB."
          />
          <Faults faults={state.faults} text={state.values.workflow} />
          <PromptFields state={state} />
          <div class="form-row">
            <NameField state={state} required={false} />
            <TagsField state={state} />
          </div>
          <FormError>{state.errors['']}</FormError>
          <div class="actions">
            <Button kind="primary">Keep workflow</Button>
            <LinkButton href="/workflows">Cancel</LinkButton>
          </div>
        </Form>
      </Card>
      <Card title="Other ways" span={4}>
        <ImportWays publicUrl={publicUrl} />
      </Card>
    </Grid>
  </>
)

export interface EditProps {
  workflow: Workflow
  state: WorkflowFormState
  /** The version that the change is made from. */
  expected: number
  /** The version that came in between, which this form did not show. */
  conflict: { shown: number; current: number } | null
}

export function EditView({ workflow, state, expected, conflict }: EditProps) {
  const { values, errors } = state
  return (
    <Grid>
      <Card title="Edit" note={`makes v${expected + 1}`} span={8}>
        <Form action={workflowHref(workflow.id, '/edit')}>
          <input type="hidden" name="expected" value={String(expected)} />
          {conflict && (
            <FormError>
              v{conflict.current} was made while you edited v{conflict.shown}, and nothing of yours is saved
              yet.{' '}
              <a class="link" href={diffHref(workflow.id, conflict.shown, conflict.current)}>
                See what it changed
              </a>
              . Saving again puts what stands here on top of it.
            </FormError>
          )}
          <NameField state={state} required />
          <TextArea
            {...{ name: 'description', label: 'Description', required: false, rows: 3 }}
            {...{ value: values.description ?? '', error: errors.description }}
          />
          <TagsField state={state} />
          <PromptFields state={state} />
          <TextArea
            {...{ name: 'workflow', label: 'New n8n JSON', required: false, mono: true, rows: 6 }}
            {...{ value: values.workflow ?? '', error: errors.workflow }}
            hint="Left empty: the nodes stay as they are."
          />
          <Faults faults={state.faults} text={values.workflow} />
          <TextField
            {...{ name: 'dataRetentionDays', label: 'Keep run data for', required: false, type: 'number' }}
            {...{ value: values.dataRetentionDays ?? '', error: errors.dataRetentionDays }}
            hint="Days, 1 to 3650. Left empty: as long as the runs themselves. Makes no version."
          />
          <FormError>{errors['']}</FormError>
          <div class="actions">
            <Button kind="primary">Save</Button>
            <LinkButton href={workflowHref(workflow.id)}>Cancel</LinkButton>
          </div>
        </Form>
      </Card>
      <Card title="Delete" span={4}>
        <p class="soft workflow-small">
          Its {plural(workflow.version, 'version')} and what is known of its deployments go with it; its runs
          stay.
        </p>
        <LinkButton kind="danger" icon="trash" href={workflowHref(workflow.id, '/delete')}>
          Delete workflow
        </LinkButton>
      </Card>
    </Grid>
  )
}

export interface DeleteProps {
  workflow: Workflow
  board: readonly BoardRow[]
  typed: string
  force: boolean
  errors: Partial<Record<'confirm' | '', string>>
}

const maxDependents = 8

export function DeleteView({ workflow, board, typed, force, errors }: DeleteProps) {
  const dependents = board.filter(({ status }) => status !== 'undeployed')
  const more = dependents.length - maxDependents
  return (
    <Grid>
      <Card title={`Delete ${workflow.name}?`} span={8}>
        <Form action={workflowHref(workflow.id, '/delete')}>
          <p class="soft workflow-small">
            Its {plural(workflow.version, 'version')} with the prompts behind them are gone for good. Its runs
            stay in the history. What is in n8n stays there and goes on running.
          </p>
          {dependents.length > 0 && (
            <Remark tone="wait">
              It is in use by {plural(dependents.length, 'deployment')}:{' '}
              {dependents.slice(0, maxDependents).map((row, index) => (
                <>
                  {index > 0 && ', '}
                  <a class="link" href={`/deployments/${row.id}`}>
                    {row.instanceName}
                  </a>{' '}
                  (v{row.version}, {deploymentLook(row.status).word.toLowerCase()})
                </>
              ))}
              {more > 0 && ` and ${more} more`}. Undeploy it there first, or delete it all the same: it is
              then no longer known here.
            </Remark>
          )}
          <TextField
            {...{ name: 'confirm', label: `Type ${workflow.name} to confirm`, value: typed }}
            {...{ required: true, error: errors.confirm, focus: errors[''] === undefined }}
          />
          {dependents.length > 0 && (
            <CheckField name="force" label="Delete it although it is deployed" checked={force} />
          )}
          <FormError>{errors['']}</FormError>
          <div class="actions">
            <Button kind="danger" icon="trash">
              Delete workflow
            </Button>
            <LinkButton href={workflowHref(workflow.id)}>Cancel</LinkButton>
          </div>
        </Form>
      </Card>
    </Grid>
  )
}
