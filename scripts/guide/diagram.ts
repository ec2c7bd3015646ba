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

/** @throws {Error} for a line that is none of these forms */
export function arrowsOf(diagram: string): Arrow[] {
  const names = new Map<string, string>()
  const named = (id = '', name?: string) => {
    if (name !== undefined) names.set(id, name.replaceAll('<br/>', ' '))
    return names.get(id) ?? id
  }
  const [, ...lines] = diagram.trim().split('\n')
  return lines.flatMap((line): Arrow[] => {
    const text = line.trim()
    const introduced = participant.exec(text)
    if (introduced) {
      named(introduced[1], introduced[2])
      return []
    }
    const sent = message.exec(text)
    if (sent) return [{ from: named(sent[1]), to: named(sent[2]), label: sent[3] ?? '' }]
    const arrow = flowArrow.exec(text)
    if (!arrow) throw new Error(`The guide cannot show this line of a diagram: ${text}`)
    const [, from, square, curly, label = '', to, targetSquare, targetCurly] = arrow
    return [
      {
        from: named(from, square ?? curly),
        to: named(to, targetSquare ?? targetCurly),
        label: label.replaceAll('<br/>', ' '),
      },
    ]
  })
}
