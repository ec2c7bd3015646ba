/** @module The variables of a plan: their values, and problems with the ones that have none. */
import type { VariableRead } from '../../environments/substitute.ts'
import type { Target } from '../../environments/target.ts'
import type { Connection } from '../../instances/connections.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import type { ReadVariable } from '../../workflows/readiness-contract.ts'
import { quoted } from '../../workflows/slot-bindings.ts'
import type { Release } from '../release.ts'

/** By name. */
export function readVariables({
  substituted,
  target,
}: Pick<Release, 'substituted' | 'target'>): ReadVariable[] {
  const byName = Map.groupBy(substituted.reads, ({ name }) => name)
  return Object.entries(substituted.sent)
    .map(([name, value]): ReadVariable => {
      const from = value === null ? null : target.ownVariables.has(name) ? 'instance' : 'environment'
      return { name, value, from, nodes: [...new Set((byName.get(name) ?? []).map(({ node }) => node))] }
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Asks n8n for its own variables only if a variable has no value. @throws {N8nError} */
export async function variableFindings(
  { client }: Connection,
  { substituted, target }: Pick<Release, 'substituted' | 'target'>,
): Promise<Finding[]> {
  const { reads, sent } = substituted
  const computed = reads.filter(({ name }) => name === null).map(computedFinding)
  const missing = new Map<string, VariableRead>()
  for (const read of reads) {
    const { name } = read
    if (name !== null && sent[name] === null && !missing.has(name)) missing.set(name, read)
  }
  if (missing.size === 0) return computed
  const own = new Set(await client.variableNames())
  return [
    ...[...missing].map(([name, read]) => missingFinding(name, read, own.has(name), target)),
    ...computed,
  ]
}

function missingFinding(
  name: string,
  { node, pointer }: VariableRead,
  isInN8n: boolean,
  { environment }: Target,
): Finding {
  const where =
    environment === null ? 'on the instance' : `in the environment ${quoted(environment)} or on the instance`
  return {
    code: 'variable-missing',
    level: isInN8n ? 'hint' : 'warning',
    node,
    pointer,
    message: isInN8n
      ? `${quoted(node)} reads $vars.${name} from n8n's own variables. To replace it, set it ${where}`
      : `${quoted(node)} reads $vars.${name}, which has no value here and is undefined in n8n. Set it ${where}`,
  }
}

const computedFinding = ({ node, pointer }: VariableRead): Finding => ({
  code: 'variable-computed',
  level: 'warning',
  node,
  pointer,
  message:
    `${quoted(node)} uses $vars without the name of a variable, so Flowkeep inserts no value and n8n uses its own ` +
    'variables. Write $vars.NAME',
})
