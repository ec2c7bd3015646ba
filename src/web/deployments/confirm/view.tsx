/** @module Questions before what cannot simply be taken back: what it does, one button that does it, and a way out. */
import type { Child, PropsWithChildren } from 'hono/jsx'
import type { Deployment } from '../../../deployments/contract.ts'
import type { WorkflowDiff } from '../../../workflows/contract.ts'
import { Card } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { Form, TextField } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import { count, percent, plural } from '../../format.ts'
import { sizeOfDiff } from '../plan/effects.ts'
import type { DeploymentDetail } from '../../../deployments/detail-queries.ts'

export interface ConfirmProps {
  deployment: Deployment
  detail: DeploymentDetail
}

const Question = ({ title, children }: PropsWithChildren<{ title: Child }>) => (
  <>
    <PageHead title={title} />
    <div class="grid">
      <div class="stack span-8">{children}</div>
    </div>
  </>
)

const Buttons = ({ back, children }: PropsWithChildren<{ back: string }>) => (
  <div class="actions">
    {children}
    <LinkButton href={back}>Cancel</LinkButton>
  </div>
)

/** @param diff from the version that is live to the one rolled back to; null where one of them is gone */
export function RollbackPage({
  deployment,
  detail,
  version,
  diff,
}: ConfirmProps & { version: number; diff: WorkflowDiff | null }) {
  const { id, status, version: current } = deployment
  const { workflowName, instanceName, running } = detail.surroundings
  const back = `/deployments/${id}`
  const [was, is] = [detail.runs.get(version), detail.runs.get(current)]
  const size =
    diff &&
    sizeOfDiff({
      ...diff,
      name: diff.fields.includes('name') ? '' : null,
      settings: diff.fields.includes('settings') ? ['settings'] : [],
    })
  return (
    <Question title={version === current ? `Deploy v${version} again?` : `Roll back to v${version}?`}>
      <Card label="What it does">
        <div class="form">
          <p>
            <b>New runs use v{version} at once.</b> {workflowName} on {instanceName} runs v{current} now.
            {running > 0 &&
              ` ${plural(running, 'running run')} ${running === 1 ? 'finishes' : 'finish'} on v${current}.`}
          </p>
          <ul class="deploy-lines">
            {size && (
              <li>
                Against v{current}: {size}.
              </li>
            )}
            {was && was.succeeded + was.failed > 0 && (
              <li>
                v{version} succeeded on {percent(was.succeeded / (was.succeeded + was.failed))} of{' '}
                {count(was.succeeded + was.failed)} runs
                {is &&
                  is.succeeded + is.failed > 0 &&
                  `, v${current} on ${percent(is.succeeded / (is.succeeded + is.failed))} of ${count(is.succeeded + is.failed)}`}
                .
              </li>
            )}
            {status === 'inactive' && <li>It is unpublished now: this publishes it.</li>}
            {status === 'tracking' && (
              <li>
                It is only tracked so far: this overwrites what n8n has, and Flowkeep deploys it from then on.
              </li>
            )}
            <li>
              Whatever was edited in n8n since is overwritten. v{current} stays here and can be deployed
              again.
            </li>
          </ul>
          <Form action={`/deployments/${id}/rollback`}>
            <input type="hidden" name="version" value={String(version)} />
            <Buttons back={back}>
              <Button kind="primary" icon="undo">
                {version === current ? `Deploy v${version}` : `Roll back to v${version}`}
              </Button>
            </Buttons>
          </Form>
        </div>
      </Card>
    </Question>
  )
}

export function OverwritePage({ deployment, detail }: ConfirmProps) {
  const { workflowName, instanceName, newestVersion } = detail.surroundings
  const { id, version } = deployment
  const back = `/deployments/${id}/drift`
  return (
    <Question title={`Re-apply v${version}?`}>
      <Card label="What it does">
        <div class="form">
          <p>
            <b>What was changed in n8n is overwritten at once.</b> {workflowName} on {instanceName} is v
            {version} again; what is only in n8n cannot be had back. To keep it, go back and keep it as v
            {newestVersion + 1}.
          </p>
          <Form action={`/deployments/${id}/overwrite`}>
            <Buttons back={back}>
              <Button kind="danger" icon="undo">
                Re-apply v{version}
              </Button>
            </Buttons>
          </Form>
        </div>
      </Card>
    </Question>
  )
}

export function UndeployPage({ deployment, detail }: ConfirmProps) {
  const { workflowName, instanceName, running } = detail.surroundings
  const { id, webhookUrls, version } = deployment
  return (
    <Question title={`Undeploy ${workflowName}?`}>
      <Card label="What it does">
        <div class="form">
          <p>
            <b>Its triggers stop at once and n8n loses the workflow.</b> It is taken from {instanceName}; v
            {version} and its history stay here and can be deployed again.
          </p>
          <ul class="deploy-lines">
            {webhookUrls.length > 0 && (
              <li>{plural(webhookUrls.length, 'webhook')} will no longer answer.</li>
            )}
            <li>Credentials that were sent for it and that nothing else there uses are removed as well.</li>
            <li>Recorded runs stay.{running > 0 && ` ${plural(running, 'run')} under way may be lost.`}</li>
          </ul>
          <Form action={`/deployments/${id}/undeploy`}>
            <Buttons back={`/deployments/${id}`}>
              <Button kind="danger">Undeploy</Button>
            </Buttons>
          </Form>
        </div>
      </Card>
    </Question>
  )
}

/** For `pattern`, whose dialect refuses needless escapes. */
const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** @param wrong the name that was typed, and what is wrong with it */
export function DeletePage({
  deployment,
  detail,
  wrong,
}: ConfirmProps & { wrong?: { typed: string; text: string } }) {
  const { workflowName, instanceName } = detail.surroundings
  const { id, status } = deployment
  const isTracked = status !== 'undeployed'
  return (
    <Question
      title={isTracked ? `Stop tracking ${workflowName}?` : `Delete this deployment of ${workflowName}?`}
    >
      <Card label="What it does">
        <div class="form">
          <p>
            {isTracked ? (
              <>
                <b>Nothing changes in n8n.</b> Its runs on {instanceName} are no longer seen here; those
                recorded stay.
              </>
            ) : (
              <>
                <b>Its history of versions goes.</b> n8n has nothing of it; the workflow and the recorded runs
                stay.
              </>
            )}
          </p>
          <Form action={`/deployments/${id}/delete`}>
            <TextField
              name="name"
              label={
                <>
                  Type <b>{workflowName}</b> to confirm
                </>
              }
              pattern={`\\s*${escaped(workflowName)}\\s*`}
              required
              value={wrong?.typed}
              error={wrong?.text}
            />
            <Buttons back={`/deployments/${id}`}>
              <Button kind="danger" icon="trash">
                {isTracked ? 'Stop tracking' : 'Delete'}
              </Button>
            </Buttons>
          </Form>
        </div>
      </Card>
    </Question>
  )
}
