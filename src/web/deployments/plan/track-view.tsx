/** @module Watching a workflow that n8n has already, without changing it. */
import { Card, Grid } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { Form, FormError, SelectField, TextField } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import type { FormState } from '../../form-data.ts'
import type { Named } from '../../../deployments/list-queries.ts'

export const trackFields = ['workflowId', 'instanceId', 'version', 'n8nWorkflowId'] as const

export const TrackPage = ({
  workflows,
  instances,
  values,
  errors,
}: FormState & { workflows: Named[]; instances: Named[] }) => (
  <>
    <PageHead
      title="Track a workflow of n8n"
      meta={<span>Nothing is sent to n8n and nothing changes there.</span>}
    />
    <Grid>
      <Card span={6} label="Which one">
        <Form action="/deployments/track">
          <SelectField
            name="workflowId"
            label="Workflow here"
            value={values.workflowId ?? ''}
            options={[['', 'Choose a workflow'], ...workflows.map(({ id, name }) => [id, name] as const)]}
            required
            error={errors.workflowId}
          />
          <TextField
            name="version"
            label="Version that n8n has"
            type="number"
            required={false}
            value={values.version ?? ''}
            error={errors.version}
            hint="The current one, if you leave it empty."
          />
          <SelectField
            name="instanceId"
            label="n8n server"
            value={values.instanceId ?? ''}
            options={[['', 'Choose a server'], ...instances.map(({ id, name }) => [id, name] as const)]}
            required
            error={errors.instanceId}
          />
          <TextField
            name="n8nWorkflowId"
            label="Id of the workflow in n8n"
            value={values.n8nWorkflowId ?? ''}
            mono
            required
            maxlength={64}
            error={errors.n8nWorkflowId}
            hint="The last part of its address in n8n: /workflow/aB3dE5fG7hJ9kL1m."
          />
          <FormError>{errors['']}</FormError>
          <div class="actions">
            <Button kind="primary">Track it</Button>
            <LinkButton href="/deployments">Cancel</LinkButton>
          </div>
        </Form>
      </Card>
      <Card span={6} title="Is it not here yet?">
        <p class="soft">
          An n8n server’s own page lists what it has: importing a workflow there keeps it here and tracks it,
          in one step.
        </p>
        <div class="actions deploy-aside">
          <LinkButton href="/instances">n8n servers</LinkButton>
        </div>
      </Card>
    </Grid>
  </>
)
