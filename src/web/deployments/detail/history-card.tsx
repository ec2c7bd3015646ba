/** @module The versions that were live: when, from which prompt, and how their runs went. */
import { lowSuccessRate } from '../../../runs/meaning.ts'
import type { Deployment } from '../../../deployments/contract.ts'
import { Card, Empty } from '../../components/card.tsx'
import { LinkButton } from '../../components/controls.tsx'
import { StatusTag } from '../../components/status.tsx'
import { Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, cutNote, durationBetween, none, percent, type TimeFormat } from '../../format.ts'
import { cutList } from '../../../lib/cut-list.ts'
import {
  type DeploymentDetail,
  type HistoryEntry,
  historyLimit,
} from '../../../deployments/detail-queries.ts'

export interface HistoryCardProps {
  deployment: Deployment
  detail: DeploymentDetail
  runsPath: string
  time: TimeFormat
}

export function HistoryCard({ deployment, detail, runsPath, time }: HistoryCardProps) {
  const { history } = detail
  const shown = cutList(history, historyLimit)
  const newestOf = new Map(history.toReversed().map((entry) => [entry.version, entry.sequence]))
  return (
    <Card title="Versions" note={cutNote(shown) ?? 'newest first, all-time runs'} flush>
      {history.length === 0 ? (
        <Empty title="No version has been live yet.">
          The first version appears here once it is deployed.
        </Empty>
      ) : (
        <Table
          caption="Versions that were live, newest first"
          class="deploy-history"
          columns={[
            { label: 'Version' },
            { label: 'Prompt' },
            { label: 'Live since' },
            { label: 'Runs', numeric: true },
            { label: 'Success', numeric: true },
            { label: 'Roll back', hidden: true },
          ]}
        >
          {shown.items.map((entry, index) => (
            <Row
              entry={entry}
              deployment={deployment}
              detail={detail}
              runsPath={runsPath}
              time={time}
              isLatest={index === 0}
              showsRuns={newestOf.get(entry.version) === entry.sequence}
            />
          ))}
        </Table>
      )}
    </Card>
  )
}

interface RowProps extends HistoryCardProps {
  entry: HistoryEntry
  /** The newest entry of the history. */
  isLatest: boolean
  /** The newest entry of its version. Runs are counted per version, so only this entry shows them. */
  showsRuns: boolean
}

function Row({ entry, deployment, detail, runsPath, time, isLatest, showsRuns }: RowProps) {
  const { version, liveFrom, liveUntil, prompt, model } = entry
  const { status } = deployment
  const runs = detail.runs.get(version)
  const finished = runs ? runs.succeeded + runs.failed : 0
  const share = runs && finished > 0 ? runs.succeeded / finished : null
  const isLive = isLatest && status === 'active'
  const canRollBack =
    showsRuns && !(isLatest && version === deployment.version) && !['pending', 'deploying'].includes(status)
  const versionRuns = `${runsPath}&v=${version}`
  return (
    <Tr>
      <Td>
        <span class="deploy-row-head">
          <a class="deploy-badge" href={`/workflows/${deployment.workflowId}/versions/${version}`}>
            v{version}
          </a>
          {isLive && <StatusTag tone="ok" label="Live" />}
        </span>
      </Td>
      <Td phone="line" class="wide">
        <span class="two-lines">
          {prompt === null ? (
            <span class="muted">Edited manually. No prompt recorded.</span>
          ) : (
            <span class="deploy-clamp" title={prompt}>
              {prompt}
            </span>
          )}
          {model && <small>{model}</small>}
        </span>
      </Td>
      <Td phone="end">
        <span class="two-lines nowrap">
          <Time at={liveFrom} format={time} />
          <small>
            {isLatest
              ? isLive
                ? `for ${durationBetween(liveFrom, time.now.toISOString())}`
                : ''
              : `for ${durationBetween(liveFrom, liveUntil)}`}
          </small>
        </span>
      </Td>
      <Td numeric phone="line">
        {!showsRuns ? (
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
        {showsRuns && share !== null ? (
          <a
            class={share < lowSuccessRate ? 'fail' : ''}
            href={share < 1 ? `${versionRuns}&status=failed` : versionRuns}
          >
            {percent(share)}
          </a>
        ) : (
          <span class="muted">{showsRuns ? none : ''}</span>
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
