/** @module What is true of a deployment, and the credentials that it uses. */
import type { Deployment } from '../../../deployments/contract.ts'
import { Card, KeyValues } from '../../components/card.tsx'
import { CopyButton } from '../../components/controls.tsx'
import { NodeBadge } from '../../components/icons.tsx'
import { credentialLook, Status } from '../../components/status.tsx'
import { Time } from '../../components/table.tsx'
import type { TimeFormat } from '../../format.ts'
import type { DeploymentDetail } from '../../../deployments/detail-queries.ts'

export function Facts({
  deployment,
  detail,
  time,
}: {
  deployment: Deployment
  detail: DeploymentDetail
  time: TimeFormat
}) {
  const { surroundings } = detail
  const { n8nWorkflowId, webhookUrls, managed, reportSuccess, version, createdAt, status } = deployment
  const isThere = n8nWorkflowId !== null && status !== 'undeployed'
  return (
    <Card title="Facts">
      <KeyValues
        items={[
          [
            'In n8n',
            isThere ? (
              <a
                class="link"
                href={`${surroundings.instanceUrl}/workflow/${encodeURIComponent(n8nWorkflowId)}`}
                rel="noreferrer"
                target="_blank"
              >
                {n8nWorkflowId}
                <span class="visually-hidden"> (opens in a new tab)</span>
              </a>
            ) : (
              <span class="muted">nothing of it</span>
            ),
          ],
          [
            'Version',
            <>
              v{version}
              {surroundings.newestVersion > version && (
                <span class="muted"> of {surroundings.newestVersion}</span>
              )}
            </>,
          ],
          ['Made by', managed ? 'Flowkeep' : 'n8n; it was there before'],
          ['Successes', reportSuccess ? 'reported at once' : 'fetched every 5 minutes'],
          ['Planned', <Time at={createdAt} format={time} />],
        ]}
      />
      {isThere && webhookUrls.length > 0 && (
        <>
          <h3 class="deploy-subhead">Webhooks</h3>
          <ul class="deploy-urls">
            {webhookUrls.map((url) => (
              <li>
                <code>{url}</code>
                <CopyButton text={url} />
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  )
}

export function Bindings({ deployment, detail }: { deployment: Deployment; detail: DeploymentDetail }) {
  const { bindings } = deployment
  if (bindings.length === 0) return null
  return (
    <Card title="Credentials">
      <ul class="list">
        {bindings.map((binding) => {
          const { node, type } = binding
          const own = 'credentialId' in binding ? detail.credentials.get(binding.credentialId) : undefined
          return (
            <li>
              <NodeBadge type={type} />
              <span>
                {own ? (
                  <a class="row-link" href={`/credentials/${own.id}`}>
                    {own.name}
                  </a>
                ) : 'credentialId' in binding ? (
                  <span class="fail">Deleted here</span>
                ) : (
                  <span>{binding.n8nCredentialId}</span>
                )}
                <small>
                  {node} · {type}
                  {'n8nCredentialId' in binding && ', in n8n'}
                </small>
              </span>
              {own && <Status {...credentialLook(own.status)} />}
            </li>
          )
        })}
      </ul>
    </Card>
  )
}
