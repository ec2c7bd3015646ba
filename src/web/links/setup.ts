/** @module URLs of the guided path from a saved workflow to its first deployment. Every step keeps the workflow. */
import { returnPath } from '../return-path.ts'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const path = '/deployments/continue'

/** Redirects to the first step that is not done: credentials, instance, plan. */
export const continueHref = (workflowId: string, { skipsCredentials = false } = {}): string =>
  `${path}?workflow=${workflowId}${skipsCredentials ? '&skip=credentials' : ''}`

/** The workflow that a `return` path continues to set up. Null for any other path. */
export function workflowInSetup(back: string | null | undefined): string | null {
  const target = new URL(returnPath(back), 'http://self.invalid')
  const workflowId = target.searchParams.get('workflow') ?? ''
  return target.pathname === path && uuid.test(workflowId) ? workflowId : null
}

/** Adds the path to return to once a form is saved. */
export const withReturn = (href: string, back: string): string =>
  `${href}${href.includes('?') ? '&' : '?'}return=${encodeURIComponent(back)}`

export const newCredentialHref = (type: string, back?: string, name?: string | null): string => {
  const href = `/credentials/new/${encodeURIComponent(type)}${name ? `?name=${encodeURIComponent(name)}` : ''}`
  return back === undefined ? href : withReturn(href, back)
}

export const newInstanceHref = (back?: string): string =>
  back === undefined ? '/instances/new' : withReturn('/instances/new', back)
