/** @module Lists the versions of a workflow, shows one, and compares two. */
import { requireFound } from '../../../errors.ts'
import { Hono } from 'hono'
import { dayMs } from '../../../lib/time.ts'
import { Card, Empty } from '../../components/card.tsx'
import { Action, LinkButton, Pagination } from '../../components/controls.tsx'
import { redirectWith } from '../../notice.ts'
import { defaultKeptVersions } from '../../../workflows/contract.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardEnv } from '../../context.ts'
import { plural } from '../../format.ts'
import { WorkflowHead } from '../head.tsx'
import { readGraphState } from '../graph/view-state.ts'
import { diffHref, workflowHref } from '../links.ts'
import { crumbsOf, findWorkflow, idOf, versionNumber, type WorkflowPageDeps } from '../page-context.ts'
import { readContents, readVersionRates } from '../../../workflows/detail-queries.ts'
import { listVersions, rateDays, VersionList } from './list.tsx'
import { DiffView, VersionView } from './view.tsx'

const pageVersions = 20

export function versionPages(deps: WorkflowPageDeps) {
  const { workflows, db, now } = deps
  return new Hono<DashboardEnv>()
    .get('/:id/versions', async (c) => {
      const id = idOf(c)
      const { userId, viewer } = c.var
      const after = versionNumber(c.req.query('after')) ?? undefined
      const range = { from: new Date(now().getTime() - rateDays * dayMs), to: now() }
      const [found, slice, contents, rates] = await Promise.all([
        findWorkflow(deps, c),
        workflows.versions(userId, id, { limit: pageVersions + 1, cursor: after }),
        readContents(db, userId, id, { before: after ?? null, limit: pageVersions + 1 }),
        readVersionRates(db, userId, id, range),
      ])
      const { workflow, deployments, today } = found
      const items = slice?.items ?? []
      const versions = listVersions(items, contents, pageVersions)
      const more = items.length > pageVersions || slice?.nextCursor
      const path = workflowHref(id, '/versions')
      return renderPage(
        c,
        { title: 'Versions', section: 'workflows', crumbs: crumbsOf(workflow) },
        <>
          <WorkflowHead
            workflow={workflow}
            deployments={deployments}
            today={today}
            tab="versions"
            time={viewer.time}
          />
          <Card
            results
            title="Versions and prompts"
            note={`success rates over the last ${rateDays} days`}
            aside={
              workflow.version > 1 && (
                <a class="link" href={diffHref(id, workflow.version - 1, workflow.version)}>
                  Compare versions
                </a>
              )
            }
          >
            {versions.length > 0 ? (
              <VersionList
                workflowId={id}
                currentVersion={workflow.version}
                versions={versions}
                rates={rates}
                deployments={deployments}
                time={viewer.time}
                full
              />
            ) : (
              <Empty
                title="No older versions."
                action={<LinkButton href={path}>Newest versions</LinkButton>}
              />
            )}
          </Card>
          <Pagination
            text={plural(workflow.version, 'version')}
            firstHref={after === undefined ? null : path}
            nextHref={more ? `${path}?after=${versions.at(-1)?.version.version}` : null}
          />
          {workflow.version > defaultKeptVersions && (
            <Action
              action={workflowHref(id, '/versions/compact')}
              small
              icon="trash"
              confirm={`Delete the oldest versions? The newest ${defaultKeptVersions} stay, and so does every version that a deployment, release, test or run refers to.`}
            >
              Compact versions
            </Action>
          )}
        </>,
      )
    })
    .post('/:id/versions/compact', async (c) => {
      const id = idOf(c)
      const versions = requireFound(
        await workflows.compact(c.var.userId, id, defaultKeptVersions),
        'Workflow',
      )
      const text =
        versions.length === 0
          ? 'There are no versions to delete.'
          : `${plural(versions.length, 'version')} deleted.`
      return redirectWith(c, workflowHref(id, '/versions'), text)
    })
    .get('/:id/versions/:version', async (c) => {
      const id = idOf(c)
      const number = requireFound(versionNumber(c.req.param('version')), 'Version')
      const [{ workflow, deployments, today }, version] = await Promise.all([
        findWorkflow(deps, c),
        workflows.findVersion(c.var.userId, id, number),
      ])
      return renderPage(
        c,
        { title: `v${number}`, section: 'workflows', crumbs: crumbsOf(workflow) },
        <>
          <WorkflowHead
            workflow={workflow}
            deployments={deployments}
            today={today}
            tab="versions"
            time={c.var.viewer.time}
          />
          <VersionView
            workflowId={id}
            currentVersion={workflow.version}
            version={requireFound(version, 'Version')}
            graphState={readGraphState(c)}
            time={c.var.viewer.time}
          />
        </>,
      )
    })
    .get('/:id/diff', (c) => {
      const id = idOf(c)
      const [from, to] = [versionNumber(c.req.query('from')), versionNumber(c.req.query('to'))]
      return c.redirect(from && to ? diffHref(id, from, to) : workflowHref(id, '/versions'), 303)
    })
    .get('/:id/diff/:range', async (c) => {
      const id = idOf(c)
      const [older, newer] = c.req.param('range').split('..', 2)
      const [from, to] = [
        requireFound(versionNumber(older), 'Version'),
        requireFound(versionNumber(newer), 'Version'),
      ]
      const [{ workflow, deployments, today }, before, after] = await Promise.all([
        findWorkflow(deps, c),
        workflows.findVersion(c.var.userId, id, from),
        workflows.findVersion(c.var.userId, id, to),
      ])
      return renderPage(
        c,
        { title: `v${from} → v${to}`, section: 'workflows', crumbs: crumbsOf(workflow) },
        <>
          <WorkflowHead
            workflow={workflow}
            deployments={deployments}
            today={today}
            tab="versions"
            time={c.var.viewer.time}
          />
          <DiffView
            workflowId={id}
            currentVersion={workflow.version}
            from={requireFound(before, 'Version')}
            to={requireFound(after, 'Version')}
            after={versionNumber(c.req.query('after')) ?? 0}
            graphState={readGraphState(c)}
          />
        </>,
      )
    })
}
