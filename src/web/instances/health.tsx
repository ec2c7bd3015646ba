/** @module The health of an instance: problems that need attention, and how current its runs are. */
import { dayMs } from '../../lib/time.ts'
import { type Notice } from '../notice.ts'
import { type Instance, type InstanceTest, lateAfterSeconds } from '../../instances/contract.ts'
import type { AttentionItem } from '../components/card.tsx'
import { Status } from '../components/status.tsx'
import { duration, plural, type TimeFormat } from '../format.ts'
import type { InstanceCounts } from '../../instances/queries.ts'

/** How long the page shows that n8n was reset. */
const resetNoticeMs = 14 * dayMs

export type Polling = Instance['polling']

export const isLate = ({ lagSeconds, failures }: Polling): boolean =>
  failures > 0 || (lagSeconds !== null && lagSeconds > lateAfterSeconds)

/** Such as "14 s". A late instance has an icon as well as a color. */
export function Lag({ polling }: { polling: Polling }) {
  const { lagSeconds, lastPolledAt } = polling
  if (lagSeconds === null) return <span class="muted">{lastPolledAt ? 'no runs yet' : 'not polled yet'}</span>
  const text = duration(lagSeconds * 1000)
  return isLate(polling) ? <Status tone="wait" label={text} /> : <span>{text}</span>
}

/** Worst first, each with its next step. */
export function attentionItems(
  instance: Instance,
  counts: InstanceCounts,
  time: TimeFormat,
): AttentionItem[] {
  const { id, name, status, statusDetail, testedAt, polling, epochStartedAt } = instance
  const path = `/instances/${id}`
  const at = testedAt ? `Tested ${time.relative(testedAt)}.` : ''
  const items: AttentionItem[] = []
  if (status === 'refused') {
    const action = { href: `${path}/settings#key`, label: 'Enter a new key' }
    items.push({
      tone: 'fail',
      what: `${name} rejected the API key.`,
      detail: `${statusDetail ?? ''}. ${at}`,
      action,
    })
  }
  if (status === 'unreachable') {
    const action = { href: `${path}/settings`, label: 'Check the URL' }
    items.push({
      tone: 'fail',
      what: `${name} is unreachable.`,
      detail: `${statusDetail ?? ''}. ${at}`,
      action,
    })
  }
  if (counts.failed > 0) {
    const action = { href: `/deployments?inst=${id}&status=failed`, label: 'View deployments' }
    items.push({ tone: 'fail', what: `${plural(counts.failed, 'deployment')} failed.`, action })
  }
  if (isLate(polling) && polling.lastPolledAt) {
    const until = polling.polledThrough
      ? `Runs are up to date as of ${time.inSentence(polling.polledThrough)}.`
      : 'No runs have been fetched yet.'
    const failures = polling.failures > 0 ? ` ${plural(polling.failures, 'consecutive poll')} failed.` : ''
    items.push({ tone: 'wait', what: until, detail: `Later runs are missing.${failures}` })
  }
  if (epochStartedAt && time.now.getTime() - Date.parse(epochStartedAt) < resetNoticeMs) {
    items.push({
      tone: 'idle',
      what: `n8n was reset or restored ${time.relative(epochStartedAt)}.`,
      detail: 'Its execution IDs started over. Earlier and new runs with the same IDs are stored separately.',
    })
  }
  if (instance.otel && !instance.otel.isCurrent) {
    items.push({
      tone: 'wait',
      what: "The token in n8n's OpenTelemetry settings is about to expire or has expired.",
      detail: 'Set OpenTelemetry up again to receive runs immediately. Polling continues.',
    })
  }
  if (counts.deadLetters > 0) {
    const action = { href: `${path}/dead-letters`, label: 'View dead letters' }
    const what = `${plural(counts.deadLetters, 'report')} could not be used.`
    items.push({ tone: 'wait', what, detail: 'Each dead letter shows the reason.', action })
  }
  if (status === 'untested') {
    items.push({
      tone: 'idle',
      what: 'Not tested yet.',
      detail: 'Test the instance to see what it supports.',
    })
  }
  return items
}

/** The result of a connection test, as a notice. */
export function testNotice(
  name: string,
  { status, detail, cannot }: Pick<InstanceTest, 'status' | 'detail' | 'cannot'>,
): Notice {
  if (status === 'ok') return { kind: 'ok', text: `${name} is reachable and accepts the API key.` }
  if (status === 'limited') {
    return {
      kind: 'wait',
      text: `${name} is reachable and accepts the API key, with ${plural(cannot.length, 'limitation')}.`,
    }
  }
  return { kind: 'fail', text: `${name}: ${detail ?? 'no response'}.` }
}
