/** @module The sections that the search of the guide finds. */
import type { GuidePage } from './chapters.ts'

export interface SearchEntry {
  /** With the fragment of the section. */
  url: string
  /** Title of the page. */
  page: string
  /** Equal to `page` for the text above the first section. */
  heading: string
  text: string
}

/** JSON with a line for each section, so that a change to one page changes few lines. */
export function searchIndex(pages: readonly GuidePage[]): string {
  const entries = pages.flatMap(({ url, title, sections }) =>
    sections.map(
      ({ id, heading, text }): SearchEntry => ({
        url: id === '' ? url : `${url}#${id}`,
        page: title,
        heading,
        text,
      }),
    ),
  )
  return `[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n`
}
