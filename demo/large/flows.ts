/** @module All workflows of the demo. */
import { customerFlows } from './flows-customers.ts'
import { engineeringFlows } from './flows-engineering.ts'
import { financeFlows } from './flows-finance.ts'
import { peopleFlows } from './flows-people.ts'
import { productFlows } from './flows-products.ts'
import { reportingFlows } from './flows-reporting.ts'
import { salesFlows } from './flows-sales.ts'
import { shopFlows } from './flows-shop.ts'
import { supportFlows } from './flows-support.ts'
import { Random } from './random.ts'
import type { DemoWorkflow } from './workflow.ts'

const asWritten: DemoWorkflow[] = [
  ...salesFlows,
  ...financeFlows,
  ...reportingFlows,
  ...shopFlows,
  ...productFlows,
  ...engineeringFlows,
  ...peopleFlows,
  ...customerFlows,
  ...supportFlows,
]

/** Adds a time of day to the whole days in the definitions. Events that follow a version move with it. */
function atOtherTimes(workflow: DemoWorkflow): DemoWorkflow {
  const random = new Random(`${workflow.name} times`)
  const later = workflow.versions.map(({ daysAgo }) => (daysAgo >= 2 ? random.between(0, 0.4) : 0))
  return {
    ...workflow,
    versions: workflow.versions.map((version, index) => ({
      ...version,
      daysAgo: version.daysAgo - (later[index] ?? 0),
    })),
    deployments: workflow.deployments.map((deployment) => {
      let newest = 0
      const history = deployment.history.map(([version, daysAgo]): [number, number] => {
        newest = Math.max(newest, version)
        return [version, daysAgo - (later[newest - 1] ?? 0)]
      })
      return { ...deployment, history }
    }),
  }
}

export const demoWorkflows: DemoWorkflow[] = asWritten.map(atOtherTimes)
