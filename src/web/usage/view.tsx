/** @module What the account uses of its quotas. */
import type { Usage } from '../../budgets/contract.ts'
import { rateClasses, type RateClass } from '../../http/rate-classes.ts'
import { Card, Grid, KeyValues } from '../components/card.tsx'
import { count } from '../format.ts'
import { PageHead } from '../layout/page.tsx'

const mib = (bytes: number): string => {
  const size = bytes / 1024 / 1024
  return size < 10 ? String(Math.round(size * 10) / 10) : count(Math.round(size))
}

const of = ({ used, limit }: { used: number; limit: number }): string => `${count(used)} of ${count(limit)}`

export function UsageView({ usage }: { usage: Usage }) {
  const { storedBytes, versionsPerWorkflow, requestsPerMinute } = usage
  const { workflowId } = versionsPerWorkflow
  return (
    <>
      <PageHead title="Usage" />
      <Grid>
        <Card title="Quotas" span={6}>
          <KeyValues
            figures
            items={[
              ['Workflows', of(usage.workflows)],
              ['Credentials', of(usage.credentials)],
              ['Instances', of(usage.instances)],
              ['Deployments', of(usage.deployments)],
              ['Alert rules', of(usage.alertRules)],
              ['Alert channels', of(usage.alertChannels)],
              ['Access tokens', of(usage.accessTokens)],
              ['Storage', `${mib(storedBytes.used)} of ${mib(storedBytes.limit)} MiB`],
              [
                'Versions of a workflow',
                workflowId === null ? (
                  of(versionsPerWorkflow)
                ) : (
                  <a class="link" href={`/workflows/${workflowId}/versions`}>
                    at most {of(versionsPerWorkflow)}
                  </a>
                ),
              ],
            ]}
          />
        </Card>
        <Card title="Requests per minute" span={6}>
          <KeyValues
            figures
            items={(Object.keys(rateClasses) as RateClass[]).map((name) => [
              rateClasses[name],
              requestsPerMinute[name] === 0 ? 'unlimited' : count(requestsPerMinute[name]),
            ])}
          />
        </Card>
      </Grid>
    </>
  )
}
