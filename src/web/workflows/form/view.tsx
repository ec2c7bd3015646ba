/** @module The forms that create, edit and delete a workflow. */
import type { Workflow } from '../../../workflows/contract.ts'
import { Card, Grid, Remark } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import {
  CheckField,
  FileField,
  Form,
  FormError,
  Hidden,
  TextArea,
  TextField,
} from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import { deploymentStyle } from '../../components/status.tsx'
import type { DeploymentListRow } from '../../../deployments/list-queries.ts'
import { plural } from '../../format.ts'
import { diffHref, workflowHref } from '../links.ts'
import { ImportWays } from '../list/view.tsx'
import { type Fault, nodeAt, type WorkflowFormState } from './form.ts'

/** The faults in the JSON and their pointers, shown under the field. */
function Faults({ faults, text }: { faults: readonly Fault[]; text: string | undefined }) {
  if (faults.length === 0) return null
  return (
    <ul class="faults" aria-label="Problems in the JSON">
      {faults.map(({ pointer, detail, place }) => {
        const node = nodeAt(text, pointer)
        return (
          <li>
            <code>{pointer}</code> {detail}
            {place && <span class="muted"> at {place}</span>}
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
        name={'prompt'}
        label={'Prompt'}
        required={false}
        rows={4}
        value={values.prompt ?? ''}
        error={errors.prompt}
        hint={`The prompt that generated the workflow. Up to ${maxPromptChars} characters.`}
      />
      <TextField
        name={'model'}
        label={'Model'}
        required={false}
        value={values.model ?? ''}
        error={errors.model}
        hint={'The model or person that wrote the workflow.'}
        maxlength={200}
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
    name={'name'}
    label={'Name'}
    required={required}
    value={values.name ?? ''}
    error={errors.name}
    maxlength={200}
    {...(!required && { hint: 'Leave empty to use the name in the JSON.' })}
  />
)

const TagsField = ({ state: { values, errors } }: { state: WorkflowFormState }) => (
  <TextField
    name={'tags'}
    label={'Tags'}
    required={false}
    value={values.tags ?? ''}
    error={errors.tags}
    hint="Separate tags with commas."
  />
)

/** Replaces the text of the field above. */
const WorkflowFile = () => (
  <FileField
    name="workflow.file"
    label="Or choose a file"
    accept=".json,.txt,application/json,text/plain"
    fills="field-workflow"
  />
)

interface NewProps {
  /** The idempotency key, so that submitting the form twice creates one workflow. */
  once: string
  state: WorkflowFormState
  publicUrl: string
}

export const NewWorkflowView = ({ once, state, publicUrl }: NewProps) => (
  <>
    <PageHead title="Add workflow" />
    <Grid>
      <Card title="n8n JSON and prompt" span={8}>
        <Form action="/workflows/new" multipart>
          <Hidden name="once" value={once} />
          <TextArea
            name={'workflow'}
            label={'n8n JSON'}
            mono={true}
            rows={14}
            dropsFile
            value={state.values.workflow ?? ''}
            error={state.errors.workflow}
            focus={state.errors[''] === undefined}
            hint="In n8n, select Download in the workflow menu, or press Ctrl+A and Ctrl+C on the canvas. Up to 2 MB."
          />
          <Faults faults={state.faults} text={state.values.workflow} />
          <WorkflowFile />
          <PromptFields state={state} />
          <div class="form-row">
            <NameField state={state} required={false} />
            <TagsField state={state} />
          </div>
          <FormError>{state.errors['']}</FormError>
          <div class="actions">
            <Button kind="primary">Add workflow</Button>
            <LinkButton href="/workflows">Cancel</LinkButton>
          </div>
        </Form>
      </Card>
      <Card title="Other ways to import" span={4}>
        <ImportWays publicUrl={publicUrl} />
      </Card>
    </Grid>
  </>
)

export interface EditProps {
  workflow: Workflow
  state: WorkflowFormState
  /** The version that the form edits. */
  expected: number
  /** The version that the form showed, and a newer one that someone created in the meantime. */
  conflict: { shown: number; current: number } | null
}

export function EditView({ workflow, state, expected, conflict }: EditProps) {
  const { values, errors } = state
  return (
    <Grid>
      <Card title="Edit" note={`creates v${expected + 1}`} span={8}>
        <Form action={workflowHref(workflow.id, '/edit')} multipart>
          <Hidden name="expected" value={expected} />
          {conflict && (
            <FormError>
              v{conflict.current} was created while you edited v{conflict.shown}. Your changes are not saved.{' '}
              <a class="link" href={diffHref(workflow.id, conflict.shown, conflict.current)}>
                Review v{conflict.current}
              </a>
              , then save again to apply your changes to it.
            </FormError>
          )}
          <NameField state={state} required />
          <TextArea
            name={'description'}
            label={'Description'}
            required={false}
            rows={3}
            value={values.description ?? ''}
            error={errors.description}
          />
          <TagsField state={state} />
          <PromptFields state={state} />
          <TextArea
            name={'workflow'}
            label={'n8n JSON'}
            required={false}
            mono={true}
            rows={6}
            value={values.workflow ?? ''}
            error={errors.workflow}
            hint="The current version. Edit it, paste another one, or drop a file here."
            dropsFile
          />
          <Faults faults={state.faults} text={values.workflow} />
          <WorkflowFile />
          <TextField
            name={'dataRetentionDays'}
            label={'Run data retention'}
            required={false}
            type={'number'}
            value={values.dataRetentionDays ?? ''}
            error={errors.dataRetentionDays}
            hint="1 to 3,650 days. Leave empty to store run data for as long as the run. Changing it does not create a version."
          />
          <FormError>{errors['']}</FormError>
          <div class="actions">
            <Button kind="primary">Save</Button>
            <LinkButton href={workflowHref(workflow.id)}>Cancel</LinkButton>
          </div>
        </Form>
      </Card>
      <div class="stack span-4">
        <Card title="Stored values">
          <p class="soft workflow-small">
            Stores what the nodes of a run receive and return, so that you can see why a run failed. Off by
            default.
          </p>
          <LinkButton href={workflowHref(workflow.id, '/values')}>Store values</LinkButton>
        </Card>
        <Card title="Delete">
          <p class="soft workflow-small">
            Deletes {plural(workflow.version, 'version')} and all deployment records. Recorded runs are not
            deleted.
          </p>
          <LinkButton kind="danger" icon="trash" href={workflowHref(workflow.id, '/delete')}>
            Delete workflow
          </LinkButton>
        </Card>
      </div>
    </Grid>
  )
}

export interface DeleteProps {
  workflow: Workflow
  deployments: readonly DeploymentListRow[]
  typed: string
  force: boolean
  errors: Partial<Record<'confirm' | '', string>>
}

const maxDependents = 8

export function DeleteView({ workflow, deployments, typed, force, errors }: DeleteProps) {
  const dependents = deployments.filter(({ status }) => status !== 'undeployed')
  const more = dependents.length - maxDependents
  return (
    <Grid>
      <Card title={`Delete ${workflow.name}?`} span={8}>
        <Form action={workflowHref(workflow.id, '/delete')}>
          <p class="soft workflow-small">
            This permanently deletes {plural(workflow.version, 'version')} and all prompts. Recorded runs are
            not deleted. Copies in n8n are not deleted and keep running.
          </p>
          {dependents.length > 0 && (
            <Remark tone="wait">
              It has {plural(dependents.length, 'deployment')}:{' '}
              {dependents.slice(0, maxDependents).map((row, index) => (
                <>
                  {index > 0 && ', '}
                  <a class="link" href={`/deployments/${row.id}`}>
                    {row.instanceName}
                  </a>{' '}
                  (v{row.version}, {deploymentStyle(row.status).label.toLowerCase()})
                </>
              ))}
              {more > 0 && ` and ${more} more`}. Undeploy it first, or delete it anyway. Flowkeep then no
              longer tracks it in n8n.
            </Remark>
          )}
          <TextField
            name={'confirm'}
            label={`Type ${workflow.name} to confirm`}
            value={typed}
            required={true}
            error={errors.confirm}
            focus={errors[''] === undefined}
          />
          {dependents.length > 0 && (
            <CheckField name="force" label="Delete even though it is deployed" checked={force} />
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
