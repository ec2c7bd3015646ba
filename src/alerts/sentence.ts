/** @module A rule as a sentence: the same in the API, on pages and in messages. */
import type { AlertParameters, AlertRuleKind } from '../db/schema/alerts.ts'
import { ruleKinds } from './contract.ts'

export interface RuleSubject {
  kind: AlertRuleKind
  parameters: AlertParameters
  /** Names of what the rule is limited to; null: not limited. */
  workflowName: string | null
  instanceName: string | null
  credentialName: string | null
}

/** `60` → `1 hour` */
export function durationText(minutes: number): string {
  const [size, unit] = minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute']
  return `${size} ${unit}${size === 1 ? '' : 's'}`
}

const named = (name: string | null, any: string) => (name === null ? any : `“${name}”`)

interface Parts extends Required<{ [name in keyof AlertParameters]: number }> {
  /** `“Orders” on “Production”`, or `any workflow`. */
  workflow: string
  instance: string
  credential: string
  /** `“Orders”`, or `all workflows`. */
  workflows: string
}

/** `more than $10 or 1,000,000 tokens` */
function limitText({ usd, tokens }: { usd: number; tokens: number }): string {
  const limits = [
    ...(usd > 0 || tokens === 0 ? [`$${usd.toLocaleString('en')}`] : []),
    ...(tokens > 0 ? [`${tokens.toLocaleString('en')} tokens`] : []),
  ]
  return `more than ${limits.join(' or ')}`
}

const conditions: Record<AlertRuleKind, (parts: Parts) => string> = {
  'error-rate': ({ percent, workflow, windowMinutes, minRuns }) =>
    `more than ${percent}% of the runs of ${workflow} fail within ${durationText(windowMinutes)}` +
    (minRuns > 1 ? `, if there are at least ${minRuns} runs` : ''),
  'new-error': ({ workflow }) => `${workflow} fails with a new error, or with one that was resolved`,
  'missed-schedule': ({ workflow, toleranceMinutes }) =>
    `a scheduled run of ${workflow} is more than ${durationText(toleranceMinutes)} late`,
  'credential-rejected': ({ credential }) => `a service rejects ${credential}`,
  'instance-unreachable': ({ instance }) => `${instance} is unreachable or rejects its API key`,
  drift: ({ workflow }) => `${workflow} drifts from its deployed version`,
  spend: ({ workflows, windowHours, ...limits }) =>
    `the AI nodes of ${workflows} use ${limitText(limits)} within ${durationText(windowHours * 60)}`,
}

const none = {
  percent: 0,
  windowMinutes: 0,
  minRuns: 0,
  toleranceMinutes: 0,
  usd: 0,
  tokens: 0,
  windowHours: 0,
}

/** Without a full stop. */
export function ruleSentence({ kind, parameters, ...names }: RuleSubject): string {
  const on = names.instanceName === null ? '' : ` on “${names.instanceName}”`
  const parts = {
    ...none,
    ...ruleKinds[kind].defaults,
    ...parameters,
    workflow: named(names.workflowName, 'any workflow') + on,
    workflows: named(names.workflowName, 'all workflows') + on,
    instance: named(names.instanceName, 'any instance'),
    credential: named(names.credentialName, 'any credential'),
  } as Parts
  return `Alert me when ${conditions[kind](parts)}`
}
