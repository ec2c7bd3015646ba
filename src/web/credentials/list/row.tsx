/** @module One credential in the list: how it is, who uses it, how its runs went, and the one thing to do about it. */
import type { CredentialStats } from '../../../analytics/credential-contract.ts'
import type { Catalogue } from '../../../n8n/catalogue.ts'
import { Action, LinkButton } from '../../components/controls.tsx'
import { NodeBadge } from '../../components/icons.tsx'
import { credentialLook, Status } from '../../components/status.tsx'
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
  /** The list as it is filtered and paged, to come back to. */
  at: string
}

/** A row of the list. */
export function CredentialLine({ row, stats, catalogue, time, period, at }: LineProps) {
  const href = `/credentials/${row.id}`
  const label = typeLabel(catalogue, row.type)
  const refusals = stats?.authenticationFailures ?? 0
  return (
    <Tr>
      <Td>
        <NameCell
          {...{ href, name: row.name }}
          badge={<NodeBadge type={row.type} />}
          note={saysMore(row.service, label, row.type) ? `${label} · ${row.service}` : label}
        />
      </Td>
      <Td phone="end" class="credential-health">
        <Status {...credentialLook(row.status)} />
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
        {refusals > 0 && (
          <a href={`${href}?period=${period.name}#failures`}>
            <small class="fail">{count(refusals)} refused</small>
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
        <Fix row={row} at={at} />
      </Td>
    </Tr>
  )
}

/** A service that its owner has named, unlike those that follow from the type. */
const saysMore = (service: string, label: string, type: string) =>
  ![label, type].some((text) => text.toLowerCase().replaceAll(' ', '').startsWith(service.toLowerCase()))

const zero = (stats: unknown) => <span class="muted">{stats ? '0' : none}</span>

/** Why it is as it is, or what is to be known before it is used. */
function healthNote(
  { status, validationError, lastValidatedAt, places, testable }: CredentialRow,
  time: TimeFormat,
): string {
  if (status === 'invalid') {
    const checked = lastValidatedAt === null ? '' : ` · checked ${time.brief(lastValidatedAt)}`
    return `${(validationError ?? 'n8n gave no reason').replace(/\.$/, '')}${checked}`
  }
  if (status !== 'untested') return ''
  if (testable > 0) return 'In n8n, not tested yet'
  return places > 0 ? 'In an n8n that cannot test it' : 'In no n8n yet'
}

function Fix({ row, at }: Pick<LineProps, 'row' | 'at'>) {
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
      <Action small action={`/credentials/${row.id}/validate`} fields={{ return: at }}>
        Validate
        <span class="visually-hidden"> {row.name}</span>
      </Action>
    )
  }
  return null
}
