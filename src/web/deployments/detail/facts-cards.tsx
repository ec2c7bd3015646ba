/** @module The details of a deployment and the credentials it uses. */
import type { Deployment } from '../../../deployments/contract.ts'
import type { Catalogue } from '../../../n8n/catalogue/catalogue.ts'
import { Card, KeyValues } from '../../components/card.tsx'
import { CopyButton } from '../../components/controls.tsx'
import { NodeBadge } from '../../components/icons.tsx'
import { credentialStyle, Status } from '../../components/status.tsx'
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
  const isInN8n = n8nWorkflowId !== null && status !== 'undeployed'
  return (
    <Card title="Details">
      <KeyValues
        items={[
          [
            'In n8n',
            isInN8n ? (
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
              <span class="muted">not in n8n</span>
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
          ['Created by', managed ? 'Flowkeep' : 'n8n, before Flowkeep tracked it'],
          ['Successful runs', reportSuccess ? 'reported immediately' : 'fetched every 5 minutes'],
          ['Created', <Time at={createdAt} format={time} />],
        ]}
      />
      {isInN8n && webhookUrls.length > 0 && (
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

export function Bindings({
  deployment,
  detail,
  catalogue,
}: {
  deployment: Deployment
  detail: DeploymentDetail
  catalogue: Catalogue
}) {
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
                  <span class="fail">Deleted from Flowkeep</span>
                ) : (
                  <span>{binding.n8nCredentialId}</span>
                )}
                <small>
                  {node} · {catalogue.credentialType(type)?.displayName ?? type}
                  {'n8nCredentialId' in binding && ' · in n8n'}
                </small>
              </span>
              {own && <Status {...credentialStyle(own.status)} />}
            </li>
          )
        })}
      </ul>
    </Card>
  )
}
