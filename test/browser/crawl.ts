/** @module Every page of the dashboard: whatever can be got to by links from the overview. */
import type { Page } from 'playwright-core'

const idPattern = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g
const notPages =
  /^\/(sign-out|docs|openapi\.json|executions\/export|executions\/news|audit\/export)|\.(csv|json|svg|css|js)$/

/** Pages that show the same of different things have the same shape: `/workflows/:id`. */
export function shapeOf(path: string): string {
  const { pathname } = new URL(path, 'http://flowkeep')
  return pathname
    .replaceAll(idPattern, ':id')
    .replace(/^\/errors\/.+/, '/errors/:fingerprint')
    .replace(/^\/credentials\/new\/.+/, '/credentials/new/:type')
    .replace(/\/diff\/.+/, '/diff/:versions')
    .replaceAll(/\/\d+(?=\/|$)/g, '/:number')
}

export interface CrawlOptions {
  from?: string[]
  /** How many pages of a shape. */
  most: (shape: string) => number
  /** @param status what the page was answered with */
  visit: (path: string, shape: string, status: number) => Promise<void>
}

/** Calls `visit` at each page that is opened. @returns shape → paths */
export async function crawl(
  page: Page,
  { from = ['/'], most, visit }: CrawlOptions,
): Promise<Map<string, string[]>> {
  const visited = new Map<string, string[]>()
  const queue = [...from]
  for (const path of queue) {
    const shape = shapeOf(path)
    const paths = visited.get(shape) ?? []
    if (paths.length >= most(shape) || paths.includes(path)) continue
    visited.set(shape, [...paths, path])
    const response = await page.goto(path)
    await visit(path, shape, response?.status() ?? 0)
    const links = await page.$$eval('a[href^="/"]:not([download])', (elements) =>
      elements.map((element) => element.getAttribute('href') ?? ''),
    )
    // Pages in other states than the plain one are what filters and tabs make of it.
    const targets = links.map((link) => link.replace(/#.*$/, '')).filter((link) => !notPages.test(link))
    queue.push(...targets)
  }
  return visited
}
