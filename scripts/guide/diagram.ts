/** @module Mermaid diagrams as a table of their arrows: GitHub draws them, the guide shows the same as text. */

export interface Arrow {
  from: string
  to: string
  label: string
}

const shape = String.raw`(?:\[\(?"([^"]*)"\)?\]|\{"([^"]*)"\})?`
const flowArrow = new RegExp(String.raw`^(\w+)${shape}(?: -- "([^"]*)")? --> (\w+)${shape}$`)
const message = /^(\w+)--?>>(\w+): (.*)$/
const participant = /^participant (\w+) as (.+)$/

/**
 * A name can follow the first use of its ID.
 * @throws {Error} for a line that is none of these forms
 */
export function arrowsOf(diagram: string): Arrow[] {
  const names = new Map<string, string>()
  const [, ...lines] = diagram.trim().split('\n')
  const arrows = lines.flatMap((line): Arrow[] => {
    const text = line.trim()
    const [, id, name] = participant.exec(text) ?? []
    if (id !== undefined && name !== undefined) {
      names.set(id, name)
      return []
    }
    const sent = message.exec(text)
    if (sent) return [{ from: sent[1] ?? '', to: sent[2] ?? '', label: sent[3] ?? '' }]
    const arrow = flowArrow.exec(text)
    if (!arrow) throw new Error(`The guide cannot show this line of a diagram: ${text}`)
    const [, from = '', square, curly, label = '', to = '', targetSquare, targetCurly] = arrow
    const [source, target] = [square ?? curly, targetSquare ?? targetCurly]
    if (source !== undefined) names.set(from, source)
    if (target !== undefined) names.set(to, target)
    return [{ from, to, label }]
  })
  const nameOf = (id: string) => oneLine(names.get(id) ?? id)
  return arrows.map(({ from, to, label }) => ({ from: nameOf(from), to: nameOf(to), label: oneLine(label) }))
}

const oneLine = (text: string): string => text.replaceAll('<br/>', ' ')
