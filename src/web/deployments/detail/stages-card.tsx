/** @module The stages of a deployment, and the next step if one of them failed. */
import type { Deployment } from '../../../deployments/contract.ts'
import { Card } from '../../components/card.tsx'
import { LinkButton } from '../../components/controls.tsx'
import { Glyph, type Tone } from '../../components/status.tsx'
import { type Stage, stepLabel } from '../../components/deployment-stages.ts'

const tones: Record<Stage['state'], { tone: Tone; label: string; struckThrough?: boolean }> = {
  done: { tone: 'ok', label: 'done' },
  now: { tone: 'run', label: 'in progress' },
  failed: { tone: 'fail', label: 'stopped here' },
  ahead: { tone: 'idle', label: 'not started' },
  off: { tone: 'idle', label: 'as requested', struckThrough: true },
}

export const isInProgress = ({ status }: Pick<Deployment, 'status'>): boolean =>
  status === 'pending' || status === 'deploying'

export interface StagesCardProps {
  deployment: Deployment
  stages: Stage[] | null
  /** The last live version other than the one being deployed. */
  lastLive: number | null
  hasHistory: boolean
}

export function StagesCard({ deployment, stages, lastLive, hasHistory }: StagesCardProps) {
  const { status, error } = deployment
  return (
    <Card label="Progress">
      {stages ? (
        <Stages stages={stages} />
      ) : (
        <p class="soft">
          This workflow already existed in n8n. Flowkeep records its runs but does not change it. Deploy a
          version to manage it from Flowkeep.
        </p>
      )}
      {isInProgress(deployment) && (
        <p class="soft deploy-aside">
          {error ?? 'This continues in the background. You can close the page.'}
        </p>
      )}
      {status === 'failed' && (
        <StoppedNotice deployment={deployment} lastLive={lastLive} hasHistory={hasHistory} />
      )}
      {status === 'inactive' && error && <p class="soft deploy-aside">{error}.</p>}
    </Card>
  )
}

export const Stages = ({ stages }: { stages: Stage[] }) => (
  <ol class="deploy-stages">
    {stages.map(({ label, state, note }) => {
      const { tone, label: stateLabel, struckThrough = false } = tones[state]
      return (
        <li class={state} {...(state === 'now' && { 'aria-current': 'step' })}>
          <Glyph tone={tone} struckThrough={struckThrough} />
          <span>
            <b>{label}</b>
            <span class="visually-hidden"> ({stateLabel})</span>
            {note && <small>{note}</small>}
          </span>
        </li>
      )
    })}
  </ol>
)

const effects: Record<string, string> = {
  deploy: 'The previous version stays live until another one is published.',
  activate: 'The workflow is in n8n but may be unpublished.',
  deactivate: 'The workflow may still be published.',
  undeploy: 'It then removes the workflow from n8n.',
}

function StoppedNotice({ deployment, lastLive, hasHistory }: Omit<StagesCardProps, 'stages'>) {
  const { id, step, error, intent, managed } = deployment
  const action = intent?.action ?? 'deploy'
  return (
    <div class="deploy-stopped" role="alert">
      <Glyph tone="fail" />
      <div>
        <p>
          <b>Stopped at “{stepLabel(step)}”.</b> {error}
        </p>
        <p class="soft">
          Retry resumes from this step.{' '}
          {action === 'deploy' && !hasHistory ? 'No version is live yet.' : effects[action]}
        </p>
        <div class="actions">
          {hasHistory && lastLive !== null && action === 'deploy' && (
            <LinkButton href={`/deployments/${id}/rollback?version=${lastLive}`} small icon="undo">
              Roll back to v{lastLive}
            </LinkButton>
          )}
          {managed && action !== 'undeploy' && (
            <LinkButton href={`/deployments/${id}/undeploy`} small>
              Undeploy
            </LinkButton>
          )}
        </div>
      </div>
    </div>
  )
}
