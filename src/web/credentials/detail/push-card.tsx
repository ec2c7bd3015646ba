/** @module Lists the deployments for which n8n has an earlier value, with a button that pushes the current one. */
import type { PendingDeployment } from '../../../credentials/contract.ts'
import { Remark } from '../../components/card.tsx'
import { Action } from '../../components/controls.tsx'
import { plural } from '../../format.ts'

const shown = 5

export function PushCard({ id, pending }: { id: string; pending: readonly PendingDeployment[] }) {
  if (pending.length === 0) return null
  const more = pending.length - shown
  return (
    <>
      <Remark tone="wait">
        n8n still has the old value. {plural(pending.length, 'deployment')}{' '}
        {pending.length === 1 ? 'uses' : 'use'} it:{' '}
        {pending.slice(0, shown).map(({ deploymentId, workflowName, instanceName }, index) => (
          <>
            {index > 0 && ', '}
            <a class="link" href={`/deployments/${deploymentId}`}>
              {workflowName}
            </a>{' '}
            on {instanceName}
          </>
        ))}
        {more > 0 && ` and ${more} more`}.
      </Remark>
      <div class="actions">
        <Action action={`/credentials/${id}/push`} icon="deployments">
          Push to n8n
        </Action>
      </div>
    </>
  )
}
