/** @module The settings that a plan forces in n8n, and the sub-workflows that it deploys first. */
import type { Child } from 'hono/jsx'
import type { Plan } from '../../../deployments/plan/contract.ts'
import { Card, KeyValues } from '../../components/card.tsx'

const settingLabels: Record<string, string> = {
  saveDataSuccessExecution: 'Successful runs',
  saveDataErrorExecution: 'Failed runs',
  errorWorkflow: 'Error workflow',
}

/** The error workflow that n8n calls. */
export interface ErrorWorkflow {
  /** Null if n8n did not return it. */
  name: string | null
  /** Its editor in n8n. */
  href: string
}

function settingValue({ plan, errorWorkflow }: SettingsCardProps, value: string | null): Child {
  if (value === 'all') return 'saved'
  if (value !== null) {
    return errorWorkflow ? (
      <a class="link" href={errorWorkflow.href} rel="noreferrer" target="_blank">
        {errorWorkflow.name ?? value}
        <span class="visually-hidden"> (opens in a new tab)</span>
      </a>
    ) : (
      value
    )
  }
  const isOwn = plan.problems.some(({ code }) => code === 'errors-by-polling')
  return isOwn ? 'its own Error Trigger' : 'the error reporter, once it is set up'
}

const dependencyLabels = {
  none: 'already live',
  deploy: 'deployed first',
  activate: 'published first',
} as const

function Dependencies({ plan }: { plan: Plan }) {
  return (
    <>
      <h3 class="deploy-subhead">Sub-workflows</h3>
      <ul class="deploy-lines">
        {plan.dependencies.map(({ workflowId, name, version, action, ready, problems }) => (
          <li>
            <a href={`/workflows/${workflowId}`}>{name}</a> {version !== null && `v${version} `}
            {ready ? dependencyLabels[action] : 'not ready'}
            {problems.filter(({ level }) => level === 'error').map(({ message }) => `. ${message}`)}
          </li>
        ))}
      </ul>
    </>
  )
}

export interface SettingsCardProps {
  plan: Plan
  errorWorkflow: ErrorWorkflow | null
}

export function SettingsCard(props: SettingsCardProps) {
  const { plan } = props
  return (
    <Card title="Set by Flowkeep" note="so that every run is recorded">
      <KeyValues
        items={Object.entries(plan.forcedSettings).map(
          ([key, value]) => [settingLabels[key] ?? key, settingValue(props, value)] as const,
        )}
      />
      {plan.variables.length > 0 && (
        <>
          <h3 class="deploy-subhead">Variables</h3>
          <KeyValues
            items={plan.variables.map(({ name, value, from }) => [
              `$vars.${name}`,
              value === null ? 'Not set' : `${value} (from the ${from})`,
            ])}
          />
        </>
      )}
      {plan.dependencies.length > 0 && <Dependencies plan={plan} />}
      {plan.changes.length > 0 && (
        <>
          <h3 class="deploy-subhead">Metadata removed or filled in</h3>
          <ul class="deploy-lines">
            {plan.changes.map(({ pointer, detail }) => (
              <li>
                <code>{pointer}</code> {detail}
              </li>
            ))}
          </ul>
        </>
      )}
      {plan.unresolved.length > 0 && (
        <>
          <h3 class="deploy-subhead">Resolved at run time</h3>
          <ul class="deploy-lines">
            {plan.unresolved.map(({ node, reason }) => (
              <li>
                <b>{node}</b> {reason}
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  )
}
