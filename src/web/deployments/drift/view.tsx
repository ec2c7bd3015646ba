/** @module Drift: what differs in n8n from what was deployed, and the two ways out. */
import type { AppError } from '../../../errors.ts'
import type { Deployment } from '../../../deployments/contract.ts'
import { Attention, Card, Empty, Grid, Remark } from '../../components/card.tsx'
import { Action, LinkButton } from '../../components/controls.tsx'
import { Icon, NodeBadge } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { StatusTag } from '../../components/status.tsx'
import { Time } from '../../components/table.tsx'
import { plural, type TimeFormat } from '../../format.ts'
import type { Comparison } from './compare.ts'
import { sentence } from '../../links/outcome.ts'
import type { DeploymentDetail } from '../../../deployments/detail-queries.ts'
import type { FieldDrift, NodeDrift, ThreeWay } from './three-way.ts'

export interface DriftPageProps {
  deployment: Deployment
  detail: DeploymentDetail
  /** What n8n answered, or why there is no answer. */
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
        title={`${workflowName}: n8n against v${deployment.version}`}
        meta={
          <>
            {failed ? (
              <StatusTag tone="wait" word="Not known" />
            ) : drifted ? (
              <StatusTag tone="wait" word="Drifted" />
            ) : (
              <StatusTag tone="ok" word="In sync" />
            )}
            <a href={`/instances/${deployment.instanceId}`}>
              <Icon name="instances" small />
              {instanceName}
            </a>
            <span>
              {failed ? 'Asked' : 'n8n asked'} <Time at={time.now} format={time} />
            </span>
          </>
        }
        actions={
          !failed && drifted && <Ways deployment={deployment} detail={detail} comparison={comparison} />
        }
      />
      {failed ? (
        <Away deployment={deployment} detail={detail} error={comparison} time={time} />
      ) : (
        <Found deployment={deployment} detail={detail} comparison={comparison} />
      )}
    </>
  )
}

/** Keep what n8n has, or put back what was deployed. */
function Ways({
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
          confirm={`Make v${version} in n8n again?`}
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
          Keep n8n as v{detail.surroundings.newestVersion + 1}
        </Action>
      )}
    </>
  )
}

type AwayProps = Omit<DriftPageProps, 'comparison'> & { error: AppError }

function Away({ deployment, detail, error, time }: AwayProps) {
  const { instanceName, polledThrough } = detail.surroundings
  const isAway = error.code.startsWith('instance-')
  return (
    <>
      <Attention
        items={[
          {
            tone: 'wait',
            what: isAway ? `${instanceName} does not answer.` : 'There is nothing to compare.',
            detail: sentence(error.message),
            action: isAway
              ? { href: `/instances/${deployment.instanceId}`, label: 'See the server' }
              : { href: `/deployments/${deployment.id}`, label: 'Back to the deployment' },
          },
        ]}
      />
      <Card label="What is known">
        <Empty
          title={isAway ? 'Whether n8n differs is not known.' : 'It cannot be compared now.'}
          action={<LinkButton href={`/deployments/${deployment.id}/drift`}>Ask again</LinkButton>}
        >
          {isAway
            ? `Deployed here is v${deployment.version}. ${polledThrough ? `Its runs are known until ${time.instant(polledThrough)}.` : 'None of its runs is known yet.'}`
            : 'What n8n has is compared with a deployment that is at rest.'}
        </Empty>
      </Card>
    </>
  )
}

function Found({
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
      <Card label="What differs">
        <Empty title="n8n does not have the workflow any more.">
          It was deleted on {instanceName}. Deploying v{version} again makes it anew, with the same webhooks.
        </Empty>
      </Card>
    )
  }
  const { expected, actual } = drift.published
  return (
    <>
      {expected !== null && expected !== actual && (
        <Remark tone="wait">
          It was {actual ? 'published' : 'unpublished'} in n8n; from here it was{' '}
          {expected ? 'published' : 'unpublished'}.
        </Remark>
      )}
      {drift.credentials.map(({ node, type }) => (
        <Remark tone="wait">
          {node} uses a {type} credential that was deleted in n8n, so its runs fail. Re-applying creates it
          again.
        </Remark>
      ))}
      {drift.draft && (
        <Remark>
          What differs is a draft: n8n runs what was published before, until somebody publishes it there.
        </Remark>
      )}
      {!drift.drifted && (
        <Card label="What differs">
          <Empty title={`n8n has v${version} as it was deployed.`}>
            {drift.diff && drift.diff.cosmetic.length > 0
              ? `Only moved or annotated: ${drift.diff.cosmetic.join(', ')}. That changes no run.`
              : 'Nothing differs.'}
          </Empty>
        </Card>
      )}
      {sides && <Sides sides={sides} version={version} wanted={newestVersion} />}
      {drift.drifted && drift.diff && drift.diff.cosmetic.length > 0 && (
        <p class="muted">Only moved or annotated, which is no drift: {drift.diff.cosmetic.join(', ')}.</p>
      )}
    </>
  )
}

const changeTones = { added: 'ok', removed: 'fail', changed: 'wait' } as const
const changeWords = { added: 'only in n8n', removed: 'gone from n8n', changed: 'changed in n8n' } as const

function Sides({ sides, version, wanted }: { sides: ThreeWay; version: number; wanted: number }) {
  const { nodes, connections, settings, name } = sides
  const others = [...(name ? [name] : []), ...settings]
  const total = nodes.length + connections.length + others.length
  return (
    <Grid>
      <Card title="What differs" note={plural(total, 'place')} span={12}>
        <Remark>
          Re-applying takes v{version}’s, keeping takes n8n’s
          {wanted > version && `, deploying v${wanted} takes its own`}.
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
                  <span class="muted">{changeWords[change]}</span>
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
      <span class={`tag ${changeTones[node.change]}`}>{changeWords[node.change]}</span>
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
  // The version that was deployed is the one that is wanted, unless there is a newer one.
  const columns = [
    `${isNewer ? 'Deployed' : 'Deployed and wanted'}, v${version}`,
    'n8n now',
    `Wanted, v${wanted}`,
  ].slice(0, isNewer ? 3 : 2)
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
