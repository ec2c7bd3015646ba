/** @module A deployment's way, drawn: a row of stages, and what to do where it has stopped. */
import type { Deployment } from '../../../deployments/contract.ts'
import { Card } from '../../components/card.tsx'
import { LinkButton } from '../../components/controls.tsx'
import { Glyph, type Tone } from '../../components/status.tsx'
import { type Stage, wordOfStep } from '../../components/deployment-stages.ts'

const tones: Record<Stage['state'], { tone: Tone; word: string; crossed?: boolean }> = {
  done: { tone: 'ok', word: 'done' },
  now: { tone: 'run', word: 'under way' },
  failed: { tone: 'fail', word: 'stopped here' },
  ahead: { tone: 'idle', word: 'not reached' },
  off: { tone: 'idle', word: 'as asked for', crossed: true },
}

export const isUnderWay = ({ status }: Pick<Deployment, 'status'>): boolean =>
  status === 'pending' || status === 'deploying'

export interface StagesCardProps {
  deployment: Deployment
  stages: Stage[] | null
  /** The newest version that was live and is not the one being deployed. */
  lastLive: number | null
  hasHistory: boolean
}

export function StagesCard({ deployment, stages, lastLive, hasHistory }: StagesCardProps) {
  const { status, error } = deployment
  return (
    <Card label="Where it stands">
      {stages ? (
        <Stages stages={stages} />
      ) : (
        <p class="soft">
          It was in n8n before and is only watched: its runs are seen here, nothing is sent. Deploying a
          version takes it over.
        </p>
      )}
      {isUnderWay(deployment) && (
        <p class="soft deploy-aside">{error ?? 'It goes on by itself, also when this page is closed.'}</p>
      )}
      {status === 'failed' && <Stopped deployment={deployment} lastLive={lastLive} hasHistory={hasHistory} />}
      {status === 'inactive' && error && <p class="soft deploy-aside">{error}.</p>}
    </Card>
  )
}

export const Stages = ({ stages }: { stages: Stage[] }) => (
  <ol class="deploy-stages">
    {stages.map(({ label, state, note }) => {
      const { tone, word, crossed = false } = tones[state]
      return (
        <li class={state} {...(state === 'now' && { 'aria-current': 'step' })}>
          <Glyph tone={tone} crossed={crossed} />
          <span>
            <b>{label}</b>
            <span class="visually-hidden"> ({word})</span>
            {note && <small>{note}</small>}
          </span>
        </li>
      )
    })}
  </ol>
)

const effects: Record<string, string> = {
  deploy: 'What was live before stays live until another version is published.',
  activate: 'It is in n8n and may not be published.',
  deactivate: 'It may still be published.',
  undeploy: 'What is left of it in n8n is removed when this goes on.',
}

function Stopped({ deployment, lastLive, hasHistory }: Omit<StagesCardProps, 'stages'>) {
  const { id, step, error, intent, managed } = deployment
  const action = intent?.action ?? 'deploy'
  return (
    <div class="deploy-stopped" role="alert">
      <Glyph tone="fail" />
      <div>
        <p>
          <b>Stopped at “{wordOfStep(step)}”.</b> {error}
        </p>
        <p class="soft">
          Retrying goes on from this step.{' '}
          {action === 'deploy' && !hasHistory ? 'Nothing of it runs yet.' : effects[action]}
        </p>
        <div class="actions">
          {hasHistory && lastLive !== null && action === 'deploy' && (
            <LinkButton href={`/deployments/${id}/rollback?version=${lastLive}`} small icon="undo">
              Roll back to v{lastLive}
            </LinkButton>
          )}
          {managed && action !== 'undeploy' && (
            <LinkButton href={`/deployments/${id}/undeploy`} small>
              Take it back
            </LinkButton>
          )}
        </div>
      </div>
    </div>
  )
}
