/** @module Draws the sticky notes of a workflow in n8n's seven colors, with their Markdown as plain text. */
import { wrapLabel } from './label.ts'
import type { GraphNote } from './model.ts'
import type { Box } from './sizes.ts'

const maxLinePx = 420
const padding = 10

interface NoteLine {
  text: string
  /** 1 to 3; 0 for other text. */
  heading: 0 | 1 | 2 | 3
}

const fontPx = [11, 14, 13, 12] as const
const heightPx = [15, 20, 18, 17] as const

export function Note({ note, box }: { note: GraphNote; box: Box }) {
  let y = box.y + 6
  return (
    <g class={`graph-note note-${note.color}`}>
      <rect x={box.x} y={box.y} width={box.width} height={box.height} rx="6" />
      {fitLines(note.text, box).map(({ text, heading }) => {
        y += heightPx[heading]
        return (
          <text x={box.x + padding} y={y} {...(heading > 0 && { class: `note-h${heading}` })}>
            {text}
          </text>
        )
      })}
    </g>
  )
}

/** The lines of a note, wrapped and cut to the size of its box. */
function fitLines(markdown: string, box: Box): NoteLine[] {
  const widthPx = Math.max(24, Math.min(box.width - 2 * padding, maxLinePx))
  const lines: NoteLine[] = []
  let left = box.height - 10
  for (const { text, heading } of plainLines(markdown)) {
    const room = Math.floor(left / heightPx[heading])
    if (room < 1) {
      const last = lines.at(-1)
      if (last && !last.text.endsWith('…')) last.text += ' …'
      break
    }
    // Headings are bold, which is wider.
    const wrapped = wrapLabel(text, widthPx, room, fontPx[heading] * (heading > 0 ? 1.06 : 1))
    lines.push(...wrapped.map((line) => ({ text: line, heading })))
    left -= wrapped.length * heightPx[heading]
  }
  return lines
}

/** The text of Markdown without its syntax. Empty lines are left out. */
export function plainLines(markdown: string): NoteLine[] {
  return markdown
    .replaceAll(/!\[[^\]]{0,200}\]\([^)]{0,500}\)/g, '')
    .replaceAll(/\[([^\]]{0,200})\]\([^)]{0,500}\)/g, '$1')
    .replaceAll(/<[^<>]{0,300}>/g, '')
    .split('\n')
    .map((line): NoteLine => {
      const level = /^\s{0,3}(#{1,6})\s/.exec(line)?.[1]?.length ?? 0
      const item = line.replace(/^(\s*)[-*+]\s+(?=\S)/, '$1• ')
      const text = item
        .replaceAll(/[#*`>|]+/g, '')
        .replaceAll(/(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])/gu, '')
        .trim()
      return { text, heading: Math.min(level, 3) as NoteLine['heading'] }
    })
    .filter(({ text }) => /[\p{L}\p{N}\p{P}\p{S}]/u.test(text) && !/^[-=]{3,}$/.test(text))
}
