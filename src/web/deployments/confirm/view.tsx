/** @module Confirmation pages: what the action does, a button that performs it, and Cancel. */
import type { Child, PropsWithChildren } from 'hono/jsx'
import type { Deployment } from '../../../deployments/contract.ts'
import type { WorkflowDiff } from '../../../workflows/contract.ts'
import { Card } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { Form, Hidden, TextField } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import { count, percent, plural } from '../../format.ts'
import { sizeOfDiff } from '../../components/plan-effects.ts'
import type { DeploymentDetail } from '../../../deployments/detail-queries.ts'

export interface ConfirmProps {
  deployment: Deployment
  detail: DeploymentDetail
}

const ConfirmationPage = ({ title, children }: PropsWithChildren<{ title: Child }>) => (
  <>
    <PageHead title={title} />
    <div class="grid">
      <div class="stack span-8">{children}</div>
    </div>
  </>
)

const FormActions = ({ back, children }: PropsWithChildren<{ back: string }>) => (
  <div class="actions">
    {children}
    <LinkButton href={back}>Cancel</LinkButton>
  </div>
)

/** @param diff from the live version to the target version; null if either was deleted */
export function RollbackPage({
  deployment,
  detail,
  version,
  diff,
}: ConfirmProps & { version: number; diff: WorkflowDiff | null }) {
  const { id, status, version: current } = deployment
  const { workflowName, instanceName, running } = detail.surroundings
  const back = `/deployments/${id}`
  const [targetRuns, currentRuns] = [detail.runs.get(version), detail.runs.get(current)]
  const size =
    diff &&
    sizeOfDiff({
      ...diff,
      name: diff.fields.includes('name') ? '' : null,
      settings: diff.fields.includes('settings') ? ['settings'] : [],
    })
  return (
    <ConfirmationPage title={version === current ? `Deploy v${version} again?` : `Roll back to v${version}?`}>
      <Card label="Effects">
        <div class="form">
          <p>
            {version !== current && <b>New runs use v{version} immediately. </b>}
            {workflowName} on {instanceName} currently runs v{current}.
            {running > 0 &&
              ` ${plural(running, 'run')} in progress ${running === 1 ? 'finishes' : 'finish'} on v${current}.`}
          </p>
          <ul class="deploy-lines">
            {size && (
              <li>
                Compared with v{current}: {size}.
              </li>
            )}
            {targetRuns && targetRuns.succeeded + targetRuns.failed > 0 && (
              <li>
                v{version} succeeded in{' '}
                {percent(targetRuns.succeeded / (targetRuns.succeeded + targetRuns.failed))} of{' '}
                {plural(targetRuns.succeeded + targetRuns.failed, 'run')}
                {version !== current &&
                  currentRuns &&
                  currentRuns.succeeded + currentRuns.failed > 0 &&
                  `, v${current} in ${percent(currentRuns.succeeded / (currentRuns.succeeded + currentRuns.failed))} of ${count(currentRuns.succeeded + currentRuns.failed)}`}
                .
              </li>
            )}
            {status === 'inactive' && <li>The workflow is unpublished. This action publishes it.</li>}
            {status === 'tracking' && (
              <li>
                The workflow is only tracked. This action overwrites it in n8n, and Flowkeep manages it from
                then on.
              </li>
            )}
            <li>Edits made in n8n are overwritten. You can deploy v{current} again later.</li>
          </ul>
          <Form
            action={`/deployments/${id}/rollback`}
            page={`/deployments/${id}/rollback?version=${version}`}
          >
            <Hidden name="version" value={version} />
            <FormActions back={back}>
              <Button kind="primary" icon="undo">
                {version === current ? `Deploy v${version}` : `Roll back to v${version}`}
              </Button>
            </FormActions>
          </Form>
        </div>
      </Card>
    </ConfirmationPage>
  )
}

export function OverwritePage({ deployment, detail }: ConfirmProps) {
  const { workflowName, instanceName, newestVersion } = detail.surroundings
  const { id, version } = deployment
  const back = `/deployments/${id}/drift`
  return (
    <ConfirmationPage title={`Re-apply v${version}?`}>
      <Card label="Effects">
        <div class="form">
          <p>
            <b>Edits made in n8n are overwritten immediately.</b> {workflowName} on {instanceName} goes back
            to v{version}. This cannot be undone. To preserve the edits, go back and save them as v
            {newestVersion + 1}.
          </p>
          <Form action={`/deployments/${id}/overwrite`}>
            <FormActions back={back}>
              <Button kind="danger" icon="undo">
                Re-apply v{version}
              </Button>
            </FormActions>
          </Form>
        </div>
      </Card>
    </ConfirmationPage>
  )
}

export function UndeployPage({ deployment, detail }: ConfirmProps) {
  const { workflowName, instanceName, running } = detail.surroundings
  const { id, webhookUrls, version } = deployment
  return (
    <ConfirmationPage title={`Undeploy ${workflowName}?`}>
      <Card label="Effects">
        <div class="form">
          <p>
            <b>Its triggers stop immediately and the workflow is deleted from {instanceName}.</b> v{version}{' '}
            and its history stay in Flowkeep, so you can deploy it again.
          </p>
          <ul class="deploy-lines">
            {webhookUrls.length > 0 && <li>{plural(webhookUrls.length, 'webhook')} will stop responding.</li>}
            <li>
              Credentials that Flowkeep sent for it are deleted too, unless another workflow on the instance
              uses them.
            </li>
            <li>
              Recorded runs are not deleted.
              {running > 0 && ` ${plural(running, 'run')} in progress may be lost.`}
            </li>
          </ul>
          <Form action={`/deployments/${id}/undeploy`}>
            <FormActions back={`/deployments/${id}`}>
              <Button kind="danger">Undeploy</Button>
            </FormActions>
          </Form>
        </div>
      </Card>
    </ConfirmationPage>
  )
}

/** Escapes text for `pattern`, whose `v` flag rejects unnecessary escapes. */
const escapePattern = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** @param rejected the typed name and its error message */
export function DeletePage({
  deployment,
  detail,
  rejected,
}: ConfirmProps & { rejected?: { typed: string; text: string } }) {
  const { workflowName, instanceName } = detail.surroundings
  const { id, status } = deployment
  const isTracked = status !== 'undeployed'
  return (
    <ConfirmationPage
      title={isTracked ? `Stop tracking ${workflowName}?` : `Delete this deployment of ${workflowName}?`}
    >
      <Card label="Effects">
        <div class="form">
          <p>
            {isTracked ? (
              <>
                <b>Nothing changes in n8n.</b> Flowkeep stops recording its runs on {instanceName}. Runs
                already recorded are not deleted.
              </>
            ) : (
              <>
                <b>Its deployment history is deleted.</b> The workflow and its recorded runs are not deleted.
                Nothing changes in n8n.
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
              pattern={`\\s*${escapePattern(workflowName)}\\s*`}
              required
              value={rejected?.typed}
              error={rejected?.text}
            />
            <FormActions back={`/deployments/${id}`}>
              <Button kind="danger" icon="trash">
                {isTracked ? 'Stop tracking' : 'Delete'}
              </Button>
            </FormActions>
          </Form>
        </div>
      </Card>
    </ConfirmationPage>
  )
}
