/** @module One row of the credential list: health, usage, runs and the next step. */
import type { CredentialStats } from '../../../analytics/contract.ts'
import type { Catalogue } from '../../../n8n/catalogue/catalogue.ts'
import { Action, LinkButton } from '../../components/controls.tsx'
import { NodeBadge } from '../../components/icons.tsx'
import { credentialStyle, Status } from '../../components/status.tsx'
import { NameCell, Td, Time, Tr } from '../../components/table.tsx'
import { count, none, plural, type TimeFormat } from '../../format.ts'
import { typeLabel } from '../form/view.tsx'
import type { Period } from '../../components/period.ts'
import type { CredentialRow } from '../../../credentials/queries.ts'

interface LineProps {
  row: CredentialRow
  stats: CredentialStats['items'][number] | undefined
  catalogue: Catalogue
  time: TimeFormat
  period: Period
  /** The URL of the filtered list, to return to. */
  listHref: string
}

export function CredentialLine({ row, stats, catalogue, time, period, listHref }: LineProps) {
  const href = `/credentials/${row.id}`
  const label = typeLabel(catalogue, row.type)
  const rejections = stats?.authenticationFailures ?? 0
  return (
    <Tr>
      <Td>
        <NameCell
          href={href}
          name={row.name}
          badge={<NodeBadge type={row.type} />}
          note={isCustomService(row.service, label, row.type) ? `${label} · ${row.service}` : label}
        />
      </Td>
      <Td phone="end" class="credential-health">
        <Status {...credentialStyle(row.status)} />
        <small>{healthNote(row, time)}</small>
      </Td>
      <Td numeric class="credential-used">
        {stats && stats.workflowCount > 0 ? (
          <a href={`${href}#usage`}>{plural(stats.workflowCount, 'workflow')}</a>
        ) : (
          <span class="muted">{none}</span>
        )}
        {stats && stats.deployments > 0 && <small>{plural(stats.deployments, 'deployment')}</small>}
      </Td>
      <Td numeric phone="hide">
        {stats && stats.runs > 0 ? (
          <a href={`${href}?period=${period.name}#deployments`}>{count(stats.runs)}</a>
        ) : (
          zero(stats)
        )}
      </Td>
      <Td numeric phone="hide">
        {stats && stats.failures > 0 ? (
          <a href={`${href}?period=${period.name}#deployments`}>{count(stats.failures)}</a>
        ) : (
          zero(stats)
        )}
        {rejections > 0 && (
          <a href={`${href}?period=${period.name}#failures`}>
            <small class="fail">{count(rejections)} rejected</small>
          </a>
        )}
      </Td>
      <Td numeric phone="hide">
        {row.lastValidatedAt === null ? (
          <span class="muted">never</span>
        ) : (
          <Time at={row.lastValidatedAt} format={time} as="relative" />
        )}
      </Td>
      <Td class="credential-fix">
        <NextStep row={row} listHref={listHref} />
      </Td>
    </Tr>
  )
}

/** Whether the user named the service, so that it differs from the one derived from the type. */
const isCustomService = (service: string, label: string, type: string) =>
  ![label, type].some((text) => text.toLowerCase().replaceAll(' ', '').startsWith(service.toLowerCase()))

const zero = (stats: unknown) => <span class="muted">{stats ? '0' : none}</span>

/** Why n8n rejected it, or why it is untested. */
function healthNote(
  { status, validationError, lastValidatedAt, places, testable }: CredentialRow,
  time: TimeFormat,
): string {
  if (status === 'invalid') {
    const tested = lastValidatedAt === null ? '' : ` · tested ${time.brief(lastValidatedAt)}`
    return `${(validationError ?? 'n8n gave no reason').replace(/\.$/, '')}${tested}`
  }
  if (status !== 'untested') return ''
  if (testable > 0) return 'In n8n, not tested yet'
  return places > 0 ? 'In n8n, cannot be tested there' : 'Not in n8n yet'
}

function NextStep({ row, listHref }: Pick<LineProps, 'row' | 'listHref'>) {
  if (row.status === 'invalid') {
    return (
      <LinkButton small href={`/credentials/${row.id}/edit`}>
        Fix
        <span class="visually-hidden"> {row.name}</span>
      </LinkButton>
    )
  }
  if (row.status === 'untested' && row.testable > 0) {
    return (
      <Action small action={`/credentials/${row.id}/validate`} fields={{ return: listHref }}>
        Test
        <span class="visually-hidden"> {row.name}</span>
      </Action>
    )
  }
  return null
}
