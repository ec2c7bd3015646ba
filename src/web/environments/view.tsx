/** @module The list of environments, the form that creates one, and one environment with its instances. */
import type { Environment } from '../../environments/contract.ts'
import type { Instance } from '../../instances/contract.ts'
import { Card, Empty, Grid } from '../components/card.tsx'
import { Action, Button, LinkButton } from '../components/controls.tsx'
import { CheckField, Form, FormError, Hidden, TextField } from '../components/form.tsx'
import { Icon } from '../components/icons.tsx'
import { NameCell, Table, Td, Tr } from '../components/table.tsx'
import type { FormState } from '../form-data.ts'
import { count, plural } from '../format.ts'
import { PageHead } from '../layout/page.tsx'
import { type OwnCredential, ValueFields } from '../components/value-fields.tsx'

export const path = '/environments'

export function ListPage({ environments }: { environments: readonly Environment[] }) {
  const add = (
    <LinkButton kind="primary" icon="plus" href={`${path}/new`}>
      Add environment
    </LinkButton>
  )
  return (
    <>
      <PageHead
        title="Environments"
        meta={<span>Groups of instances with variables and credentials of their own</span>}
        actions={environments.length > 0 && add}
      />
      <Card label="Environments" flush results>
        {environments.length === 0 ? (
          <Empty title="No environments yet." action={add}>
            Deploy the same workflow to staging and production, or to the instance of each customer, with
            different values.
          </Empty>
        ) : (
          <Table
            caption="Environments, newest first"
            columns={[
              { label: 'Environment' },
              { label: 'Instances', numeric: true },
              { label: 'Variables', numeric: true },
              { label: 'Credentials', numeric: true },
            ]}
          >
            {environments.map(({ id, name, isProduction, instanceCount, variables, credentials }) => (
              <Tr>
                <Td>
                  <NameCell
                    badge={<Icon name="instances" />}
                    href={`${path}/${id}`}
                    name={name}
                    note={isProduction ? 'Production' : ''}
                  />
                </Td>
                <Td numeric phone="end">
                  {count(instanceCount)}
                </Td>
                <Td numeric phone="hide">
                  {count(Object.keys(variables).length)}
                </Td>
                <Td numeric phone="hide">
                  {count(credentials.length)}
                </Td>
              </Tr>
            ))}
          </Table>
        )}
      </Card>
    </>
  )
}

interface EnvironmentFormProps extends FormState {
  environment: Environment | null
  own: readonly OwnCredential[]
}

const nothing = { variables: {}, credentials: [] }

function EnvironmentForm({ environment, own, values, errors }: EnvironmentFormProps) {
  const isSent = Object.keys(values).length > 0
  return (
    <Card label="Environment">
      <Form
        action={environment ? `${path}/${environment.id}` : path}
        page={environment ? `${path}/${environment.id}` : `${path}/new`}
      >
        {environment && <Hidden name="expected" value={environment.version} />}
        <TextField
          name="name"
          label="Name"
          value={values.name ?? environment?.name ?? ''}
          error={errors.name}
          required
          maxlength={64}
          placeholder="staging"
        />
        <CheckField
          name="isProduction"
          label="Production: access tokens need the deploy:production scope"
          checked={isSent ? values.isProduction === 'true' : (environment?.isProduction ?? false)}
        />
        <ValueFields
          stored={environment ?? nothing}
          own={own}
          text={values.variables}
          error={errors.variables ?? errors.isProduction}
        />
        <FormError>{errors['']}</FormError>
        <div class="actions">
          <Button kind="primary">{environment ? 'Save' : 'Add environment'}</Button>
        </div>
      </Form>
    </Card>
  )
}

export const NewPage = (props: EnvironmentFormProps) => (
  <>
    <PageHead title="Add environment" />
    <EnvironmentForm {...props} />
  </>
)

export function DetailPage(
  props: EnvironmentFormProps & { environment: Environment; instances: readonly Instance[] },
) {
  const { environment, instances } = props
  return (
    <>
      <PageHead
        title={environment.name}
        meta={
          <>
            {environment.isProduction && <span>Production</span>}
            <span>{plural(instances.length, 'instance')}</span>
          </>
        }
        actions={
          instances.length === 0 && (
            <Action action={`${path}/${environment.id}/delete`} confirm="Delete this environment?">
              Delete
            </Action>
          )
        }
      />
      <Grid>
        <div class="stack span-8">
          <EnvironmentForm {...props} />
        </div>
        <div class="stack span-4">
          <Card title="Instances">
            {instances.length === 0 ? (
              <p class="soft">To add an instance, choose this environment in its settings.</p>
            ) : (
              <ul class="deploy-lines">
                {instances.map(({ id, name, variables }) => (
                  <li>
                    <a class="link" href={`/instances/${id}`}>
                      {name}
                    </a>
                    {Object.keys(variables).length > 0 &&
                      ` overrides ${plural(Object.keys(variables).length, 'variable')}`}
                  </li>
                ))}
              </ul>
            )}
          </Card>
        </div>
      </Grid>
    </>
  )
}
