/** @module Deleting a credential: its name is typed, and whoever would lose it is named before. */
import type { Credential } from '../../../credentials/contract.ts'
import { Card, Remark } from '../../components/card.tsx'
import { Button } from '../../components/controls.tsx'
import { CheckField, Form, FormError, TextField } from '../../components/form.tsx'
import { plural } from '../../format.ts'
import type { BoundDeployment } from '../../../credentials/queries.ts'

export interface DeletionState {
  /** What was typed. */
  typed: string
  force: boolean
  errors: Record<string, string>
}

export const noDeletion: DeletionState = { typed: '', force: false, errors: {} }

const shownDependents = 5

/** Taken back, or never there: deleting the credential takes nothing from them. */
const isAffected = ({ status }: BoundDeployment) => status !== 'undeployed'

export function DeleteCard(props: {
  credential: Credential
  deployments: readonly BoundDeployment[]
  deletion: DeletionState
}) {
  const { credential, deployments, deletion } = props
  const affected = deployments.filter(isAffected)
  const more = affected.length - shownDependents
  const hasFailed = Object.keys(deletion.errors).length > 0
  return (
    <Card label="Delete" id="delete">
      <details class="credential-more credential-delete" {...(hasFailed && { open: true })}>
        <summary>Delete this credential</summary>
        <Form action={`/credentials/${credential.id}/delete`}>
          {affected.length > 0 && (
            <Remark tone="wait">
              {plural(affected.length, 'deployment')} would lose it:{' '}
              {affected.slice(0, shownDependents).map(({ id, workflowName, instanceName }, index) => (
                <>
                  {index > 0 && ', '}
                  <a class="link" href={`/deployments/${id}`}>
                    {workflowName}
                  </a>{' '}
                  on {instanceName}
                </>
              ))}
              {more > 0 && ` and ${more} more`}. They cannot be deployed again before they are bound to
              another one.
            </Remark>
          )}
          <p class="soft credential-small">
            What a deployment has sent to n8n stays there and goes on working.
          </p>
          <TextField
            {...{ name: 'confirm', label: `Type ${credential.name} to confirm`, value: deletion.typed }}
            {...{ required: true, error: deletion.errors.confirm, id: 'field-delete-confirm' }}
          />
          {affected.length > 0 && (
            <CheckField name="force" label="Delete it although it is in use" checked={deletion.force} />
          )}
          <FormError>{deletion.errors['']}</FormError>
          <div class="actions">
            <Button kind="danger" icon="trash">
              Delete
            </Button>
          </div>
        </Form>
      </details>
    </Card>
  )
}
