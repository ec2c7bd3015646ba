/** @module Which version was live when, the prompt behind it, and how its runs went. */
import type { Deployment } from '../../../deployments/contract.ts'
import { Card, Empty } from '../../components/card.tsx'
import { LinkButton } from '../../components/controls.tsx'
import { StatusTag } from '../../components/status.tsx'
import { Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, durationBetween, none, percent, type TimeFormat } from '../../format.ts'
import type { DeploymentDetail, HistoryEntry } from '../../../deployments/detail-queries.ts'

export interface HistoryCardProps {
  deployment: Deployment
  detail: DeploymentDetail
  runsPath: string
  time: TimeFormat
}

export function HistoryCard({ deployment, detail, runsPath, time }: HistoryCardProps) {
  const { history } = detail
  const newestOf = new Map(history.toReversed().map((entry) => [entry.version, entry.sequence]))
  return (
    <Card title="Versions" note="newest first; runs of all time" flush>
      {history.length === 0 ? (
        <Empty title="No version has been live yet.">
          It enters here as soon as the first deployment is done.
        </Empty>
      ) : (
        <Table
          caption="Versions that were live, newest first"
          class="deploy-history"
          columns={[
            { label: 'Version' },
            { label: 'Made from' },
            { label: 'Live from' },
            { label: 'Runs', numeric: true },
            { label: 'Success', numeric: true },
            { label: 'Roll back', hidden: true },
          ]}
        >
          {history.map((entry, index) => (
            <Row
              {...{ entry, deployment, detail, runsPath, time }}
              isNow={index === 0}
              isCounted={newestOf.get(entry.version) === entry.sequence}
            />
          ))}
        </Table>
      )}
    </Card>
  )
}

interface RowProps extends HistoryCardProps {
  entry: HistoryEntry
  /** The latest entry. */
  isNow: boolean
  /** The newest entry of its version: runs are known by version, not by when. */
  isCounted: boolean
}

function Row({ entry, deployment, detail, runsPath, time, isNow, isCounted }: RowProps) {
  const { version, liveFrom, liveUntil, prompt, model } = entry
  const { status } = deployment
  const runs = detail.runs.get(version)
  const finished = runs ? runs.succeeded + runs.failed : 0
  const share = runs && finished > 0 ? runs.succeeded / finished : null
  const isLive = isNow && status === 'active'
  const canRollBack =
    isCounted && !(isNow && version === deployment.version) && !['pending', 'deploying'].includes(status)
  const versionRuns = `${runsPath}&v=${version}`
  return (
    <Tr>
      <Td>
        <span class="deploy-row-head">
          <a class="deploy-badge" href={`/workflows/${deployment.workflowId}/versions/${version}`}>
            v{version}
          </a>
          {isLive && <StatusTag tone="ok" word="Live" />}
        </span>
      </Td>
      <Td phone="line" class="wide">
        <span class="two-lines">
          {prompt === null ? (
            <span class="muted">Edited by hand. No prompt recorded.</span>
          ) : (
            <span class="deploy-clamp">{prompt}</span>
          )}
          {model && <small>{model}</small>}
        </span>
      </Td>
      <Td phone="end">
        <span class="two-lines nowrap">
          <Time at={liveFrom} format={time} />
          <small>
            {isNow
              ? isLive
                ? `for ${durationBetween(liveFrom, time.now.toISOString())}`
                : ''
              : `for ${durationBetween(liveFrom, liveUntil)}`}
          </small>
        </span>
      </Td>
      <Td numeric phone="line">
        {!isCounted ? (
          <span class="muted">counted above</span>
        ) : runs && runs.runs > 0 ? (
          <a href={versionRuns}>
            {count(runs.runs)}
            <span class="deploy-unit"> runs{share !== null && `, ${percent(share)} succeeded`}</span>
          </a>
        ) : (
          <span class="muted">{none}</span>
        )}
      </Td>
      <Td numeric phone="hide">
        {isCounted && share !== null ? (
          <a
            class={share < 0.9 ? 'fail' : ''}
            href={share < 1 ? `${versionRuns}&status=failed` : versionRuns}
          >
            {percent(share)}
          </a>
        ) : (
          <span class="muted">{isCounted ? none : ''}</span>
        )}
      </Td>
      <Td numeric phone="line" class="deploy-back">
        {canRollBack && (
          <LinkButton href={`/deployments/${deployment.id}/rollback?version=${version}`} small icon="undo">
            Roll back
            <span class="visually-hidden"> to v{version}</span>
          </LinkButton>
        )}
      </Td>
    </Tr>
  )
}
