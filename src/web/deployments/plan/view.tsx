/** @module The plan: the changes that deploying would make, and the button that deploys it. */
import type { Plan } from '../../../deployments/plan/contract.ts'
import { isDeployable } from '../../../deployments/plan/problems.ts'
import { Attention, Card, Empty, Grid, Remark } from '../../components/card.tsx'
import { Action, CopyButton, LinkButton } from '../../components/controls.tsx'
import { FormError } from '../../components/form.tsx'
import { Icon } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { SetupSteps, type SetupStep } from '../../components/setup-steps.tsx'
import { StatusTag } from '../../components/status.tsx'
import { ChoiceCard, type ChoiceCardProps } from './choice-card.tsx'
import { continueHref, newInstanceHref } from '../../links/setup.ts'
import { choiceFields, planPath } from './choices.ts'
import { type ErrorWorkflow, SettingsCard } from './settings-card.tsx'
import { FixesCard } from './fixes-card.tsx'
import { ForceCard } from './force-card.tsx'
import { blockersOf, isFilled, warningsOf } from './blockers.ts'
import { Differences, Effects } from '../../components/plan-changes.tsx'
import { effectsOf } from '../../components/plan-effects.ts'

export interface PlanPageProps extends ChoiceCardProps {
  workflowName: string | null
  instanceName: string | null
  errorWorkflow: ErrorWorkflow | null
  /** Why each dropped choice did not fit. */
  dropped: string[]
  /** Why the last attempt to deploy failed. */
  refusal: string | null
  /** Why n8n could not be reached. */
  unavailable: string | null
  /** Idempotency key that makes a double click harmless. */
  nonce: string
}

export function PlanPage(props: PlanPageProps) {
  const { plan, workflows, instances, refusal, unavailable, dropped } = props
  if (workflows.items.length === 0 || instances.items.length === 0) return <NothingToDeploy {...props} />
  return (
    <>
      <PlanHead {...props} />
      <Progress {...props} />
      {refusal && <FormError>{refusal}</FormError>}
      {unavailable && (
        <Attention
          items={[
            {
              tone: 'wait',
              what: `Could not read from ${props.instanceName ?? 'n8n'}, so the plan is unavailable.`,
              detail: unavailable,
              action: { href: `/instances/${props.choices.instanceId}`, label: 'View instance' },
            },
          ]}
        />
      )}
      {dropped.length > 0 && <Remark tone="wait">Some choices no longer apply: {dropped.join('; ')}.</Remark>}
      {plan && props.workflowName !== null && props.instanceName !== null ? (
        <>
          <Blockers plan={plan} back={planPath(props.choices)} />
          <FixesCard plan={plan} choices={props.choices} />
          <Grid>
            <div class="stack span-8">
              <Effects
                effects={effectsOf(plan, { workflow: props.workflowName, instance: props.instanceName })}
              />
              <Differences plan={plan} />
              {plan.publish && <Webhooks urls={plan.webhookUrls} />}
              <SettingsCard plan={plan} errorWorkflow={props.errorWorkflow} />
            </div>
            <div class="stack span-4">
              <ChoiceCard {...props} />
              <ForceCard plan={plan} choices={props.choices} fields={deployFields(plan, props)} />
            </div>
          </Grid>
        </>
      ) : (
        <Grid>
          <div class="stack span-6">
            <ChoiceCard {...props} />
          </div>
          <div class="stack span-6">
            <Card title="How it works">
              <ol class="steps deploy-steps-text">
                <li>
                  The plan shows what would be created, changed and stopped, and any problems to fix first.
                </li>
                <li>
                  Deploying sends the credentials and the workflow, publishes the workflow and waits for its
                  triggers.
                </li>
                <li>If a step fails, Flowkeep shows where and why, and Retry resumes from that step.</li>
              </ol>
              <p class="muted deploy-aside">
                Is the workflow already in n8n?{' '}
                <a class="link" href="/deployments/track">
                  Track it
                </a>{' '}
                without changing anything in n8n.
              </p>
            </Card>
          </div>
        </Grid>
      )}
    </>
  )
}

/** Pins the planned version, in case another one becomes current meanwhile. */
const deployFields = (plan: Plan, { choices, nonce }: PlanPageProps): Record<string, string> => ({
  ...choiceFields({ ...choices, version: plan.version }),
  planHash: plan.planHash,
  key: nonce,
})

function PlanHead(props: PlanPageProps) {
  const { plan, workflowName, instanceName } = props
  if (!plan || workflowName === null || instanceName === null) return <PageHead title="Plan deployment" />
  const canDeploy = isDeployable(plan.problems)
  const isUnchanged =
    plan.live && !plan.live.missing && !plan.live.differs && plan.live.version === plan.version
  const hasNoEffect =
    plan.ready &&
    isUnchanged &&
    plan.bindings.every(({ action }) => action !== 'create' && action !== 'update')
  return (
    <PageHead
      title={`Deploy ${workflowName} v${plan.version}`}
      meta={
        <>
          {plan.ready ? (
            <StatusTag tone="ok" label={hasNoEffect ? 'No changes' : 'Ready'} />
          ) : (
            <StatusTag tone="wait" label={canDeploy ? 'Unverified' : 'Blocked'} />
          )}
          <a href={`/instances/${plan.instanceId}`}>
            <Icon name="instances" small />
            {instanceName}
          </a>
          {plan.deploymentId && (
            <a href={`/deployments/${plan.deploymentId}`}>
              <Icon name="deployments" small />
              Already deployed{plan.live && ` as v${plan.live.version}`}
            </a>
          )}
          <span class="muted">Nothing has been changed yet.</span>
        </>
      }
      actions={
        canDeploy && (
          <Action action="/deployments" kind="primary" icon="deployments" fields={deployFields(plan, props)}>
            {plan.fixes.length > 0 ? 'Fix and deploy' : 'Deploy'}
          </Action>
        )
      }
    />
  )
}

function Blockers({ plan, back }: { plan: Plan; back: string }) {
  const blockers = blockersOf(plan, back)
  const warnings = warningsOf(plan)
  if (blockers.length === 0 && warnings.length === 0) return null
  return (
    <>
      {blockers.length > 0 && (
        <Attention
          items={blockers.map(({ what, detail, href, label }) => ({
            tone: 'wait' as const,
            what: `${what}.`,
            detail,
            action: href && label ? { href, label } : undefined,
          }))}
        />
      )}
      {warnings.map((warning) => (
        <Remark tone="wait">{warning}.</Remark>
      ))}
    </>
  )
}

const Webhooks = ({ urls }: { urls: string[] }) =>
  urls.length === 0 ? null : (
    <Card title="Webhooks" note="active once published">
      <ul class="deploy-urls">
        {urls.map((url) => (
          <li>
            <code>{url}</code>
            <CopyButton text={url} />
          </li>
        ))}
      </ul>
    </Card>
  )

/** Until the workflow is deployed for the first time. */
function Progress({ plan, choices, instances, unavailable }: PlanPageProps) {
  const { workflowId } = choices
  if (workflowId === null || plan?.deploymentId) return null
  const hasCredentials = plan?.slots.every(isFilled) ?? true
  const hasInstance = instances.items.length > 0 && unavailable === null
  const current: SetupStep = !hasCredentials ? 'credentials' : hasInstance ? 'plan' : 'instance'
  const done: SetupStep[] = [
    'workflow',
    ...(hasCredentials ? ['credentials' as const] : []),
    ...(hasInstance ? ['instance' as const] : []),
  ]
  return <SetupSteps current={current} done={done} hrefs={{ workflow: `/workflows/${workflowId}` }} />
}

function NothingToDeploy(props: PlanPageProps) {
  const { workflows, choices } = props
  const back = choices.workflowId === null ? undefined : continueHref(choices.workflowId)
  return (
    <>
      <PageHead title="Plan deployment" />
      <Progress {...props} />
      <Card>
        {workflows.items.length === 0 ? (
          <Empty
            title="No workflow to deploy yet."
            action={
              <LinkButton kind="primary" href="/workflows/new">
                Add workflow
              </LinkButton>
            }
          >
            Paste n8n JSON, or import workflows from an n8n instance.
          </Empty>
        ) : (
          <Empty
            title="No instance to deploy to yet."
            action={
              <LinkButton kind="primary" href={newInstanceHref(back)}>
                Add instance
              </LinkButton>
            }
          >
            You need its URL and an API key.
          </Empty>
        )}
      </Card>
    </>
  )
}
