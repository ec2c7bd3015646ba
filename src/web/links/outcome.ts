/** @module The result of an action, as a sentence for the next page. */
import { sentence } from '../format.ts'
import type { Context } from 'hono'
import type { Deployment } from '../../deployments/contract.ts'
import { AppError } from '../../errors.ts'
import type { DashboardEnv } from '../context.ts'
import { type Notice, redirectWith } from '../notice.ts'
import { stepLabel } from '../components/deployment-stages.ts'

type Outcome = (deployment: Deployment, name: string) => Notice

const inProgress: Outcome = ({ error }, name) => ({
  kind: 'wait',
  text: `${name}: The operation continues in the background. ${sentence(error)}`,
})

const outcomes: Record<Deployment['status'], Outcome> = {
  pending: inProgress,
  deploying: inProgress,
  active: ({ version }, name) => ({ kind: 'ok', text: `${name}: v${version} is live.` }),
  inactive: ({ version, error }, name) => ({
    kind: error ? 'wait' : 'ok',
    text: `${name}: v${version} is deployed but unpublished. ${sentence(error)}`,
  }),
  tracking: ({ version }, name) => ({
    kind: 'ok',
    text: `${name} is tracked as v${version}. Nothing was changed in n8n.`,
  }),
  failed: ({ step, error }, name) => ({
    kind: 'fail',
    text: `${name} stopped at “${stepLabel(step)}”: ${sentence(error)}`,
  }),
  undeployed: (_, name) => ({
    kind: 'ok',
    text: `${name} was undeployed and removed from n8n.`,
  }),
}

/** The deployment's current state. @param name such as "Support triage on prod-eu-1" */
export const outcomeOf: Outcome = (deployment, name) => {
  const { kind, text } = outcomes[deployment.status](deployment, name)
  return { kind, text: text.trim() }
}

/** Message of an expected failure, without its pointer. */
export function reasonOf(error: AppError): string {
  const seconds = error.retryAfterSeconds
  const wait = error.code === 'too-many-requests' && seconds ? ` Try again in ${seconds} s.` : ''
  return `${sentence(error.errors?.[0]?.detail ?? error.message)}${wait}`
}

/** Failures that the error page shows. */
const isForErrorPage = ({ code }: AppError) =>
  ['not-found', 'unauthenticated', 'internal', 'database-unavailable'].includes(code)

/**
 * Runs a form's action and redirects to a page that shows the result. Expected failures redirect to `path`.
 * @throws failures for the error page
 */
export async function act(
  c: Context<DashboardEnv>,
  path: string,
  work: () => Promise<Notice & { path?: string }>,
): Promise<Response> {
  try {
    const done = await work()
    return redirectWith(c, done.path ?? path, done.text, done.kind)
  } catch (error) {
    if (!(error instanceof AppError) || isForErrorPage(error)) throw error
    return redirectWith(c, path, reasonOf(error), 'fail')
  }
}
