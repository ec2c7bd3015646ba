/** @module Drift: how n8n differs from the deployed version, and the two ways to resolve it. */
import type { AppError } from '../../../errors.ts'
import type { Deployment } from '../../../deployments/contract.ts'
import { Attention, Card, Empty, Grid, Remark } from '../../components/card.tsx'
import { Action, LinkButton } from '../../components/controls.tsx'
import { Icon, NodeBadge } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { StatusTag } from '../../components/status.tsx'
import { Time } from '../../components/table.tsx'
import { plural, sentence, type TimeFormat } from '../../format.ts'
import type { Comparison } from './compare.ts'
import type { DeploymentDetail } from '../../../deployments/detail-queries.ts'
import type { FieldDrift, NodeDrift, ThreeWay } from './three-way.ts'

export interface DriftPageProps {
  deployment: Deployment
  detail: DeploymentDetail
  /** The comparison, or the reason it failed. */
  comparison: Comparison | AppError
  time: TimeFormat
}

const isFailure = (comparison: Comparison | AppError): comparison is AppError => comparison instanceof Error

export function DriftPage({ deployment, detail, comparison, time }: DriftPageProps) {
  const { workflowName, instanceName } = detail.surroundings
  const failed = isFailure(comparison)
  const drifted = !failed && comparison.drift.drifted
  return (
    <>
      <PageHead
        title={`${workflowName}: n8n vs v${deployment.version}`}
        meta={
          <>
            {failed ? (
              <StatusTag tone="wait" label="Unknown" />
            ) : drifted ? (
              <StatusTag tone="wait" label="Drifted" />
            ) : (
              <StatusTag tone="ok" label="In sync" />
            )}
            <a href={`/instances/${deployment.instanceId}`}>
              <Icon name="instances" small />
              {instanceName}
            </a>
            <span>
              Checked <Time at={time.now} format={time} as="inSentence" />
            </span>
          </>
        }
        actions={
          !failed &&
          drifted && <DriftActions deployment={deployment} detail={detail} comparison={comparison} />
        }
      />
      {failed ? (
        <ComparisonFailed deployment={deployment} detail={detail} error={comparison} time={time} />
      ) : (
        <ComparisonResult deployment={deployment} detail={detail} comparison={comparison} />
      )}
    </>
  )
}

/** Save the edits from n8n, or restore the deployed version. */
function DriftActions({
  deployment,
  detail,
  comparison,
}: {
  deployment: Deployment
  detail: DeploymentDetail
  comparison: Comparison
}) {
  const { id, version } = deployment
  const { drift } = comparison
  const path = `/deployments/${id}`
  return (
    <>
      {drift.missing ? (
        <Action
          action={`${path}/overwrite`}
          icon="undo"
          kind="primary"
          confirm={`Create v${version} in n8n again?`}
        >
          Deploy v{version} again
        </Action>
      ) : (
        <LinkButton href={`${path}/overwrite`} icon="undo">
          Re-apply v{version}
        </LinkButton>
      )}
      {!drift.missing && (
        <Action action={`${path}/adopt`} icon="check" kind="primary">
          Save n8n edits as v{detail.surroundings.newestVersion + 1}
        </Action>
      )}
    </>
  )
}

type ComparisonFailedProps = Omit<DriftPageProps, 'comparison'> & { error: AppError }

function ComparisonFailed({ deployment, detail, error, time }: ComparisonFailedProps) {
  const { instanceName, polledThrough } = detail.surroundings
  const isUnavailable = error.code.startsWith('instance-')
  return (
    <>
      <Attention
        items={[
          {
            tone: 'wait',
            what: isUnavailable
              ? `Could not read the workflow from ${instanceName}.`
              : 'This deployment cannot be compared right now.',
            detail: sentence(error.message),
            action: isUnavailable
              ? { href: `/instances/${deployment.instanceId}`, label: 'View instance' }
              : { href: `/deployments/${deployment.id}`, label: 'Back to deployment' },
          },
        ]}
      />
      <Card label="Last known state">
        <Empty
          title={isUnavailable ? 'Drift is unknown.' : 'No comparison available.'}
          action={<LinkButton href={`/deployments/${deployment.id}/drift`}>Try again</LinkButton>}
        >
          {isUnavailable
            ? `v${deployment.version} is deployed. ${polledThrough ? `Runs are up to date as of ${time.inSentence(polledThrough)}.` : 'No runs have been fetched yet.'}`
            : 'Drift can be checked once the last operation has succeeded.'}
        </Empty>
      </Card>
    </>
  )
}

function ComparisonResult({
  deployment,
  detail,
  comparison,
}: {
  deployment: Deployment
  detail: DeploymentDetail
  comparison: Comparison
}) {
  const { drift, sides } = comparison
  const { version } = deployment
  const { newestVersion, instanceName } = detail.surroundings
  if (drift.missing) {
    return (
      <Card label="Differences">
        <Empty title="The workflow no longer exists in n8n.">
          It was deleted from {instanceName}. Deploy v{version} again to recreate it with the same webhooks.
        </Empty>
      </Card>
    )
  }
  const { expected, actual } = drift.published
  return (
    <>
      {expected !== null && expected !== actual && (
        <Remark tone="wait">
          Someone {actual ? 'published' : 'unpublished'} the workflow in n8n. Flowkeep left it{' '}
          {expected ? 'published' : 'unpublished'}.
        </Remark>
      )}
      {drift.credentials.map(({ node, type }) => (
        <Remark tone="wait">
          {node} uses a {type} credential that was deleted in n8n, so its runs fail. Re-apply v{version} to
          recreate it.
        </Remark>
      ))}
      {drift.draft && (
        <Remark>
          The differences are in a draft. n8n runs the published version until someone publishes the draft.
        </Remark>
      )}
      {!drift.drifted && (
        <Card label="Differences">
          <Empty title={`n8n matches v${version}.`}>
            {drift.diff && drift.diff.cosmetic.length > 0
              ? `Only positions or notes changed: ${drift.diff.cosmetic.join(', ')}. Runs are not affected.`
              : 'No differences.'}
          </Empty>
        </Card>
      )}
      {sides && <Sides sides={sides} version={version} wanted={newestVersion} />}
      {drift.drifted && drift.diff && drift.diff.cosmetic.length > 0 && (
        <p class="muted">
          In these nodes, only positions or notes changed, which does not count as drift:{' '}
          {drift.diff.cosmetic.join(', ')}.
        </p>
      )}
    </>
  )
}

const changeTones = { added: 'ok', removed: 'fail', changed: 'wait' } as const

function Sides({ sides, version, wanted }: { sides: ThreeWay; version: number; wanted: number }) {
  const { nodes, connections, settings, name } = sides
  const others = [...(name ? [name] : []), ...settings]
  const total = nodes.length + connections.length + others.length
  return (
    <Grid>
      <Card title="Differences" note={plural(total, 'difference')} span={12}>
        <Remark>
          Re-applying restores the v{version} values. Saving stores the n8n values as a new version.
          {wanted > version && ` Deploying v${wanted} uses the v${wanted} values.`}
        </Remark>
        {nodes.map((node) => (
          <Node node={node} version={version} wanted={wanted} />
        ))}
        {connections.length > 0 && (
          <section class="drift-part">
            <h3>
              <Icon name="branch" />
              Connections
            </h3>
            <ul class="deploy-lines plain">
              {connections.map(({ text, change }) => (
                <li class={change === 'added' ? 'drift-add' : 'drift-del'}>
                  <span aria-hidden="true">{change === 'added' ? '+' : '−'}</span> {text}{' '}
                  <span class="muted">{change}</span>
                </li>
              ))}
            </ul>
          </section>
        )}
        {others.length > 0 && (
          <section class="drift-part">
            <h3>
              <Icon name="pencil" />
              Settings
            </h3>
            <Fields fields={others} version={version} wanted={wanted} caption="Settings that differ" />
          </section>
        )}
      </Card>
    </Grid>
  )
}

const Node = ({ node, version, wanted }: { node: NodeDrift; version: number; wanted: number }) => (
  <section class="drift-part">
    <h3>
      <NodeBadge type={node.type} />
      {node.node}
      <span class={`tag ${changeTones[node.change]}`}>{node.change}</span>
    </h3>
    {node.fields.length > 0 && (
      <Fields
        fields={node.fields}
        version={version}
        wanted={wanted}
        caption={`Fields of ${node.node} that differ`}
      />
    )}
  </section>
)

const wantedKinds = { n8n: 'add', deployed: 'same', other: 'other' } as const

function Fields({
  fields,
  version,
  wanted,
  caption,
}: {
  fields: FieldDrift[]
  version: number
  wanted: number
  caption: string
}) {
  const isNewer = wanted > version
  // Without a newer version, the deployed version is the wanted one.
  const columns = [`Deployed, v${version}`, 'n8n now', `Latest, v${wanted}`].slice(0, isNewer ? 3 : 2)
  return (
    <table class="drift-fields" role="table">
      <caption class="visually-hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {['Field', ...columns].map((label) => (
            <th role="columnheader" scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {fields.map(({ path, deployed, n8n, wanted, wantedIs }) => (
          <tr role="row">
            <th role="rowheader" scope="row">
              <code>{path}</code>
            </th>
            <Value label={columns[0] ?? ''} value={deployed} kind="del" />
            <Value label={columns[1] ?? ''} value={n8n} kind="add" />
            {isNewer && <Value label={columns[2] ?? ''} value={wanted} kind={wantedKinds[wantedIs]} />}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const Value = ({
  label,
  value,
  kind,
}: {
  label: string
  value: string | null
  kind: 'del' | 'add' | 'same' | 'other'
}) => (
  <td role="cell" class={`drift-${kind}`}>
    <span class="drift-label" aria-hidden="true">
      {label}
    </span>
    {value === null ? <span class="muted">not set</span> : <code>{value}</code>}
  </td>
)
