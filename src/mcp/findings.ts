/** @module Findings as lines for a model. */
import { type Finding, worstFirst } from '../n8n/checks/finding.ts'
import { fenced, inline, plain } from './fence.ts'

const most = 20

export function findingLines(findings: readonly Finding[]): string[] {
  const sorted = findings.toSorted(worstFirst)
  const lines = sorted.slice(0, most).map(({ level, code, pointer, node, message, fix }) => {
    const place = node === undefined ? '' : ` in ${inline(node)}`
    return `${level} ${code}${place} at ${inline(pointer || '/')}: ${inline(message, 500)}${fix?.operations ? ' (has a fix)' : ''}`
  })
  const others = sorted.length - lines.length
  return others > 0 ? [...lines, `${others} more`] : lines
}

export function findingText(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return ['No findings.']
  const errors = findings.filter(({ level }) => level === 'error').length
  return [plain`Findings: ${findings.length}, errors: ${errors}.`, fenced(findingLines(findings))]
}
