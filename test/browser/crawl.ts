/** @module Crawls the dashboard: all pages that are reachable by links from the overview. */
import type { Page } from 'playwright-core'

const idPattern = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g
const notPages =
  /^\/(sign-out|docs|openapi\.json|executions\/export|executions\/news|audit\/export|account\/export)|\.(csv|json|svg|css|js)$/

/** Pages of the same kind have the same shape: `/workflows/:id`. */
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
  /** Maximum number of pages per shape. */
  most: (shape: string) => number
  /** @param status status of the page's response */
  visit: (path: string, shape: string, status: number) => Promise<void>
}

/** Calls `visit` for each page. @returns shape → paths */
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
    // Other states of a page result from filters and tabs.
    const targets = links.map((link) => link.replace(/#.*$/, '')).filter((link) => !notPages.test(link))
    queue.push(...targets)
  }
  return visited
}
