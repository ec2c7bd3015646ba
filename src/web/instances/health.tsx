/** @module How an instance stands: what needs attention, and how far its runs are known. */
import type { Instance } from '../../instances/contract.ts'
import type { AttentionItem } from '../components/card.tsx'
import { Status } from '../components/status.tsx'
import { duration, plural, type TimeFormat } from '../format.ts'
import type { InstanceCounts } from '../../instances/queries.ts'

/** Polls are 5 minutes apart; three missed ones are worth a look. */
const lateSeconds = 15 * 60
/** How long the page tells that n8n was reset. */
const resetNoticeMs = 14 * 24 * 60 * 60 * 1000

export type Polling = Instance['polling']

export const isLate = ({ lagSeconds, failures }: Polling): boolean =>
  failures > 0 || (lagSeconds !== null && lagSeconds > lateSeconds)

/** Such as "14 s"; said as late with a sign, not with a colour alone. */
export function Lag({ polling }: { polling: Polling }) {
  const { lagSeconds, lastPolledAt } = polling
  if (lagSeconds === null) return <span class="muted">{lastPolledAt ? 'no run yet' : 'not asked yet'}</span>
  const text = duration(lagSeconds * 1000)
  return isLate(polling) ? <Status tone="wait" word={text} /> : <span>{text}</span>
}

/** Worst first, each with its one next step. */
export function needsOf(instance: Instance, counts: InstanceCounts, time: TimeFormat): AttentionItem[] {
  const { id, name, status, statusDetail, testedAt, polling, epochStartedAt } = instance
  const path = `/instances/${id}`
  const at = testedAt ? `Tested ${time.relative(testedAt)}.` : ''
  const items: AttentionItem[] = []
  if (status === 'refused') {
    const action = { href: `${path}/settings#key`, label: 'Enter a new key' }
    items.push({
      tone: 'fail',
      what: `${name} refuses the API key.`,
      detail: `${statusDetail ?? ''}. ${at}`,
      action,
    })
  }
  if (status === 'unreachable') {
    const action = { href: `${path}/settings`, label: 'Check the URL' }
    items.push({
      tone: 'fail',
      what: `${name} does not answer.`,
      detail: `${statusDetail ?? ''}. ${at}`,
      action,
    })
  }
  if (counts.failed > 0) {
    const action = { href: `/deployments?inst=${id}&status=failed`, label: 'See them' }
    items.push({ tone: 'fail', what: `${plural(counts.failed, 'deployment')} failed here.`, action })
  }
  if (isLate(polling) && polling.lastPolledAt) {
    const until = polling.polledThrough ? `Data from ${time.instant(polling.polledThrough)}.` : 'No data yet.'
    const failures = polling.failures > 0 ? ` ${plural(polling.failures, 'poll')} in a row failed.` : ''
    items.push({ tone: 'wait', what: until, detail: `Runs after that are not known.${failures}` })
  }
  if (epochStartedAt && time.now.getTime() - Date.parse(epochStartedAt) < resetNoticeMs) {
    items.push({
      tone: 'idle',
      what: `n8n was reset or restored ${time.relative(epochStartedAt)}.`,
      detail:
        'Its execution IDs started again. Earlier runs and new runs with the same IDs are stored apart.',
    })
  }
  if (counts.deadLetters > 0) {
    const action = { href: `${path}/dead-letters`, label: 'Look at them' }
    const what = `${plural(counts.deadLetters, 'report')} could not be used.`
    items.push({ tone: 'wait', what, detail: 'Each says why.', action })
  }
  if (status === 'untested') {
    items.push({
      tone: 'idle',
      what: 'It has not been tested yet.',
      detail: 'A test says what is possible with it.',
    })
  }
  return items
}
