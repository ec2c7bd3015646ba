/** @module What a graph shows: its zoom, the selected node and the search for a node. All of it is in the URL. */
import type { Context } from 'hono'
import { withQuery } from '../../components/controls.tsx'

/** `auto`: as wide as the page if the text stays readable, otherwise 100%. */
export const zoomLevels = ['auto', 'fit', '50', '75', '100', '150'] as const
export type Zoom = (typeof zoomLevels)[number]

export interface GraphState {
  /** Of the page. */
  path: string
  zoom: Zoom
  /** The name of the node in the inspector. */
  node: string | null
  /** Part of the name or type of a node. */
  find: string
}

const maxChars = 300

export function readGraphState({ req }: Context): GraphState {
  return {
    path: req.path,
    zoom: zoomLevels.find((level) => level === req.query('zoom')) ?? 'auto',
    node: req.query('node')?.slice(0, maxChars) || null,
    find: req.query('find')?.trim().slice(0, maxChars) ?? '',
  }
}

/** The same page with another state. The fragment scrolls to the card. */
export function stateHref(state: GraphState, changes: Partial<GraphState>): string {
  const { path, zoom, node, find } = { ...state, ...changes }
  const query = { ...(zoom !== 'auto' && { zoom }), ...(node && { node }), ...(find && { find }) }
  // A relative link is shorter, but without a query it would keep the one of the page.
  return `${withQuery('', query) || path}#graph`
}
