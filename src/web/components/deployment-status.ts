import { deploymentStyle, type StatusStyle } from './status.tsx'
import type { DeploymentListRow } from '../../deployments/list-queries.ts'

/** Style of a deployment's state. Failures and drift take precedence over the status. */
export function statusBadge({ state, status }: Pick<DeploymentListRow, 'state' | 'status'>): StatusStyle {
  if (state === 'failing') return { tone: 'fail', label: 'Failing' }
  if (state === 'drifted') return { tone: 'wait', label: 'Drifted' }
  return deploymentStyle(status)
}
