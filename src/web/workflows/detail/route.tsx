/** @module `/workflows/:id` and `/workflows/:id/deployments`. */
import { listVersions, rateDays } from '../versions/list.tsx'
import { requireFound } from '../../../errors.ts'
import { Hono } from 'hono'
import { dayMs } from '../../../lib/time.ts'
import { IncidentRepository } from '../../../executions/reports/incidents.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardEnv } from '../../context.ts'
import { DeploymentsTable } from './deployments-card.tsx'
import { WorkflowHead } from '../head.tsx'
import { readGraphState } from '../graph/view-state.ts'
import { OverviewView } from './view.tsx'
import { crumbsOf, findWorkflow, idOf, listCrumb, type WorkflowPageDeps } from '../page-context.ts'
import {
  readContents,
  readCredentialStates,
  readFailingNodes,
  readPlaces,
  readVersionRates,
} from '../../../workflows/detail-queries.ts'
import { describeChanges } from '../versions/changes.ts'

const shownVersions = 4
const shownRuns = 6
const shownNodes = 12

export function detailPages(deps: WorkflowPageDeps) {
  const { workflows, checks, requirements, executions, analytics, db, now } = deps
  return new Hono<DashboardEnv>()
    .get('/:id', async (c) => {
      const id = idOf(c)
      const { userId, viewer } = c.var
      const to = now()
      const month = { workflowId: id, from: new Date(to.getTime() - rateDays * dayMs), to }
      const [found, places, readiness, credentials, slice, contents, rates, runs, incidents, failing, nodes] =
        await Promise.all([
          findWorkflow(deps, c),
          readPlaces(db, userId, id),
          requirements.readiness(userId, id),
          readCredentialStates(db, userId, id),
          workflows.versions(userId, id, { limit: shownVersions + 1 }),
          readContents(db, userId, id, { limit: shownVersions + 1 }),
          readVersionRates(db, userId, id, month),
          executions.list(userId, { workflowId: id }, { limit: shownRuns, after: null }),
          new IncidentRepository(db).list(userId, { workflowId: id }, { limit: shownRuns, after: null }),
          readFailingNodes(db, userId, id),
          analytics.nodes(userId, { ...month, limit: shownNodes, sort: 'failures' }),
        ])
      const { workflow, deployments, today } = found
      const items = slice?.items ?? []
      const before = contents.get(workflow.version - 1)
      const findings = await checks.findingsOf(workflow)
      return renderPage(
        c,
        { title: workflow.name, section: 'workflows', crumbs: [listCrumb] },
        <OverviewView
          data={{
            workflow,
            deployments,
            today,
            places,
            credentials,
            rates,
            failingNodes: failing,
            nodes,
            runs: runs.items,
            incidents: incidents.items,
            readiness: requireFound(readiness, 'Workflow'),
            findings,
            graphState: readGraphState(c),
            versions: listVersions(items, contents, shownVersions),
            hasInstance: (await c.var.navCounts)?.instances !== 0,
            changes: before ? describeChanges(before, workflow.workflow) : null,
          }}
          time={viewer.time}
        />,
      )
    })
    .get('/:id/alerts', (c) => c.redirect(`/alerts?workflow=${idOf(c)}`, 303))
    .get('/:id/deployments', async (c) => {
      const id = idOf(c)
      const [{ workflow, deployments, isCut, today }, places] = await Promise.all([
        findWorkflow(deps, c),
        readPlaces(db, c.var.userId, id),
      ])
      const { time } = c.var.viewer
      return renderPage(
        c,
        { title: 'Deployments', section: 'workflows', crumbs: crumbsOf(workflow) },
        <>
          <WorkflowHead
            workflow={workflow}
            deployments={deployments}
            today={today}
            tab="deployments"
            time={time}
          />
          <DeploymentsTable
            workflowId={workflow.id}
            deployments={{ items: deployments, isCut }}
            places={places}
            time={time}
          />
        </>,
      )
    })
}
