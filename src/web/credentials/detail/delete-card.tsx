/** @module The card that deletes a credential: it lists the deployments that use it and asks for its name. */
import type { CutList } from '../../../lib/cut-list.ts'
import type { Credential } from '../../../credentials/contract.ts'
import { Card, Remark } from '../../components/card.tsx'
import { Button } from '../../components/controls.tsx'
import { CheckField, Form, FormError, TextField } from '../../components/form.tsx'
import { count } from '../../format.ts'
import type { BoundDeployment } from '../../../credentials/queries.ts'

export interface DeletionState {
  /** The name as typed. */
  typed: string
  force: boolean
  errors: Record<string, string>
}

export const emptyDeletion: DeletionState = { typed: '', force: false, errors: {} }

const shownDependents = 5

/** An undeployed deployment does not need the credential. */
const isAffected = ({ status }: BoundDeployment) => status !== 'undeployed'

export function DeleteCard(props: {
  credential: Credential
  deployments: CutList<BoundDeployment>
  deletion: DeletionState
}) {
  const { credential, deployments, deletion } = props
  const affected = deployments.items.filter(isAffected)
  const more = affected.length - shownDependents
  const hasFailed = Object.keys(deletion.errors).length > 0
  return (
    <Card label="Delete" id="delete">
      <details class="credential-more credential-delete" {...(hasFailed && { open: true })}>
        <summary>Delete this credential</summary>
        <Form action={`/credentials/${credential.id}/delete`} page={`/credentials/${credential.id}`}>
          {affected.length > 0 && (
            <Remark tone="wait">
              {count(affected.length)}
              {deployments.isCut && '+'} {affected.length === 1 ? 'deployment uses' : 'deployments use'} it:{' '}
              {affected.slice(0, shownDependents).map(({ id, workflowName, instanceName }, index) => (
                <>
                  {index > 0 && ', '}
                  <a class="link" href={`/deployments/${id}`}>
                    {workflowName}
                  </a>{' '}
                  on {instanceName}
                </>
              ))}
              {more > 0 && ` and ${more}${deployments.isCut ? '+' : ''} more`}. To deploy{' '}
              {affected.length === 1 ? 'it' : 'them'} again, choose another credential.
            </Remark>
          )}
          <p class="soft credential-small">
            Copies of the credential in n8n are not deleted and keep working.
          </p>
          <TextField
            name={'confirm'}
            label={`Type ${credential.name} to confirm`}
            value={deletion.typed}
            required={true}
            error={deletion.errors.confirm}
            id={'field-delete-confirm'}
          />
          {affected.length > 0 && (
            <CheckField name="force" label="Delete even though deployments use it" checked={deletion.force} />
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
