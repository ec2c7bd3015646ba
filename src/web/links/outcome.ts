/** @module How an action came out, in a sentence for the next page. */
import type { Context } from 'hono'
import type { Deployment } from '../../deployments/contract.ts'
import { AppError } from '../../errors.ts'
import type { DashboardEnv } from '../context.ts'
import { type Notice, redirectWith } from '../notice.ts'
import { wordOfStep } from '../components/deployment-stages.ts'

type Outcome = (deployment: Deployment, name: string) => Notice

const underWay: Outcome = ({ error }, name) => ({
  kind: 'wait',
  text: `${name} is under way and goes on by itself. ${sentence(error)}`,
})

const outcomes: Record<Deployment['status'], Outcome> = {
  pending: underWay,
  deploying: underWay,
  active: ({ version }, name) => ({ kind: 'ok', text: `${name}: v${version} is live.` }),
  inactive: ({ version, error }, name) => ({
    kind: error ? 'wait' : 'ok',
    text: `${name}: v${version} is there and unpublished. ${sentence(error)}`,
  }),
  tracking: ({ version }, name) => ({
    kind: 'ok',
    text: `${name} is tracked as v${version}. Nothing was changed in n8n.`,
  }),
  failed: ({ step, error }, name) => ({
    kind: 'fail',
    text: `${name} stopped at “${wordOfStep(step)}”: ${sentence(error)}`,
  }),
  undeployed: (_, name) => ({
    kind: 'ok',
    text: `${name} was taken back. n8n has nothing of it any more.`,
  }),
}

/** Where it stands now. @param name what it is called: Support triage on prod-eu-1 */
export const outcomeOf: Outcome = (deployment, name) => {
  const { kind, text } = outcomes[deployment.status](deployment, name)
  return { kind, text: text.trim() }
}

/** With a full stop, unless it ends in one. */
export const sentence = (text: string | null): string =>
  text ? (/[.!?]$/.test(text) ? text : `${text}.`) : ''

/** What an expected failure says, without its pointer. */
export function reasonOf(error: AppError): string {
  const seconds = error.retryAfterSeconds
  const wait = error.code === 'too-many-requests' && seconds ? ` Try again in ${seconds} s.` : ''
  return `${sentence(error.errors?.[0]?.detail ?? error.message)}${wait}`
}

/** Such as another session, or a fault of this server: the error page says it. */
const isForErrorPage = ({ code }: AppError) =>
  ['not-found', 'unauthenticated', 'internal', 'database-unavailable'].includes(code)

/**
 * Does what a form asks for and goes on to a page that says how it came out; an expected failure goes back to `path`.
 * @throws what is the error page's
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
