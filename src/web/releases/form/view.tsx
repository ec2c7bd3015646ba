/** @module The forms that plan a release of a workflow, or of every live version of an environment. */
import type { Named } from '../../../deployments/list-queries.ts'
import type { CutList } from '../../../lib/cut-list.ts'
import { Card, Empty, Grid } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import {
  CheckField,
  Fieldset,
  Form,
  FormError,
  Hidden,
  SelectField,
  TextField,
} from '../../components/form.tsx'
import { cutNote } from '../../format.ts'
import type { FormState } from '../../form-data.ts'
import { PageHead } from '../../layout/page.tsx'

export const formFields = ['workflowId', 'environment', 'instanceIds', 'from', 'to'].concat([
  'canary',
  'seconds',
  'minRuns',
  'maxFailureRate',
  'maxFailedTargets',
])

export const defaults: Record<string, string> = {
  canary: '1',
  seconds: '300',
  minRuns: '0',
  maxFailureRate: '10',
  maxFailedTargets: '0',
}

export interface NewPageProps extends FormState {
  workflows: CutList<Named>
  instances: CutList<Named>
  instanceIds: readonly string[]
  environments: readonly string[]
}

export function NewPage({ workflows, instances, instanceIds, environments, values, errors }: NewPageProps) {
  if (workflows.items.length === 0 || instances.items.length === 0) {
    const isWorkflow = workflows.items.length === 0
    return (
      <>
        <PageHead title="Plan release" />
        <Card label="Release">
          <Empty
            title={isWorkflow ? 'No workflows yet.' : 'No instances yet.'}
            action={
              <LinkButton href={isWorkflow ? '/workflows/new' : '/instances/new'}>
                {isWorkflow ? 'Add workflow' : 'Add instance'}
              </LinkButton>
            }
          >
            A release deploys a workflow to your n8n instances.
          </Empty>
        </Card>
      </>
    )
  }
  return (
    <>
      <PageHead title="Plan release" />
      <Grid>
        <Card span={8} label="Release">
          <Form action="/releases/new">
            <Hidden name="once" value={crypto.randomUUID()} />
            <SelectField
              name="workflowId"
              label="Workflow"
              value={values.workflowId ?? ''}
              error={errors.workflowId}
              hint={cutNote(workflows) ?? 'Its current version is released.'}
              options={workflows.items.map(({ id, name, version }) => [id, `${name} v${version}`])}
            />
            <SelectField
              name="environment"
              label="Environment"
              value={values.environment ?? ''}
              error={errors.environment}
              hint="All of its instances, oldest first."
              options={[
                ['', 'None: the instances below'],
                ...environments.map((name) => [name, name] as const),
              ]}
            />
            <Fieldset legend="Instances">
              {instances.items.map(({ id, name }) => (
                <CheckField name="instanceIds" value={id} label={name} checked={instanceIds.includes(id)} />
              ))}
            </Fieldset>
            <Options values={values} errors={errors} />
            <FormError>{errors.instanceIds ?? errors['']}</FormError>
            <div class="actions">
              <Button kind="primary">Plan release</Button>
              <LinkButton href="/releases">Cancel</LinkButton>
            </div>
          </Form>
        </Card>
        <PlanNote />
      </Grid>
    </>
  )
}

export function PromotePage({
  environments,
  values,
  errors,
}: FormState & { environments: readonly string[] }) {
  const names = environments.map((name) => [name, name] as const)
  return (
    <>
      <PageHead title="Promote" meta={<span>Release the live versions of one environment to another</span>} />
      {environments.length < 2 ? (
        <Card label="Promotion">
          <Empty title="No environments to promote between.">
            Add at least two environments, and instances to each of them.
          </Empty>
        </Card>
      ) : (
        <Grid>
          <Card span={8} label="Promotion">
            <Form action="/releases/promote">
              <Hidden name="once" value={crypto.randomUUID()} />
              <SelectField
                name="from"
                label="From"
                value={values.from ?? ''}
                error={errors.from}
                options={names}
              />
              <SelectField
                name="to"
                label="To"
                value={values.to ?? environments[1] ?? ''}
                error={errors.to}
                options={names}
              />
              <Options values={values} errors={errors} />
              <FormError>{errors.environment ?? errors['']}</FormError>
              <div class="actions">
                <Button kind="primary">Plan promotion</Button>
                <LinkButton href="/releases">Cancel</LinkButton>
              </div>
            </Form>
          </Card>
          <PlanNote />
        </Grid>
      )}
    </>
  )
}

const Options = ({ values, errors }: FormState) => (
  <Fieldset legend="Canary">
    {(
      [
        ['canary', 'Instances that get it first', '0: no canary.'],
        ['seconds', 'Seconds to observe their runs', undefined],
        ['minRuns', 'Finished runs to wait for', 'Until then, the failure rate is not checked.'],
        ['maxFailureRate', 'Halt above this percentage of failed runs', undefined],
        ['maxFailedTargets', 'Halt above this number of failed targets', undefined],
      ] as const
    ).map(([name, label, hint]) => (
      <TextField
        name={name}
        label={label}
        type="number"
        min={0}
        step={name === 'maxFailureRate' ? 'any' : 1}
        value={values[name] ?? defaults[name]}
        error={errors[name]}
        hint={hint}
        required
      />
    ))}
  </Fieldset>
)

const PlanNote = () => (
  <Card span={4} title="The plan comes first">
    <div class="stack">
      <p class="soft">
        Flowkeep plans every target and shows what blocks it. Nothing is sent to n8n until you start the
        release.
      </p>
      <p class="soft">
        <a class="link" href="/docs/guide/releases">
          Canaries, limits and rollback
        </a>
      </p>
    </div>
  </Card>
)
