/** @module The form that tracks a workflow already in n8n without changing it. */
import { Card, Grid } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { Form, FormError, SelectField, TextField } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import { cutNote } from '../../format.ts'
import type { CutList } from '../../../lib/cut-list.ts'
import type { FormState } from '../../form-data.ts'
import type { Named } from '../../../deployments/list-queries.ts'

export const trackFields = ['workflowId', 'instanceId', 'version', 'n8nWorkflowId'] as const

export const TrackPage = ({
  workflows,
  instances,
  values,
  errors,
}: FormState & { workflows: CutList<Named>; instances: CutList<Named> }) => (
  <>
    <PageHead
      title="Track an n8n workflow"
      meta={<span>Flowkeep records its runs and changes nothing in n8n.</span>}
    />
    <Grid>
      <Card span={6} label="Workflow to track">
        <Form action="/deployments/track">
          <SelectField
            name="workflowId"
            label="Workflow in Flowkeep"
            value={values.workflowId ?? ''}
            options={[
              ['', 'Choose a workflow'],
              ...workflows.items.map(({ id, name }) => [id, name] as const),
            ]}
            required
            error={errors.workflowId}
            hint={cutNote(workflows)}
          />
          <TextField
            name="version"
            label="Version in n8n"
            type="number"
            required={false}
            value={values.version ?? ''}
            error={errors.version}
            hint="Leave empty for the current version."
          />
          <SelectField
            name="instanceId"
            label="Instance"
            value={values.instanceId ?? ''}
            options={[
              ['', 'Choose an instance'],
              ...instances.items.map(({ id, name }) => [id, name] as const),
            ]}
            required
            error={errors.instanceId}
            hint={cutNote(instances)}
          />
          <TextField
            name="n8nWorkflowId"
            label="n8n workflow ID"
            value={values.n8nWorkflowId ?? ''}
            mono
            required
            maxlength={64}
            error={errors.n8nWorkflowId}
            hint="The last part of the workflow's URL in n8n: /workflow/aB3dE5fG7hJ9kL1m."
          />
          <FormError>{errors['']}</FormError>
          <div class="actions">
            <Button kind="primary">Track workflow</Button>
            <LinkButton href="/deployments">Cancel</LinkButton>
          </div>
        </Form>
      </Card>
      <Card span={6} title="Not in Flowkeep yet?">
        <p class="soft">
          Open the instance and import the workflow. Flowkeep saves it as v1 and tracks it in one step.
        </p>
        <div class="actions deploy-aside">
          <LinkButton href="/instances">View instances</LinkButton>
        </div>
      </Card>
    </Grid>
  </>
)
