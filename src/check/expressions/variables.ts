/** @module Finds variables that n8n does not define, such as `$inputs`. */
import { shown } from '../../n8n/structure/repairs.ts'
import type { CheckedNode } from '../model.ts'
import type { Report } from '../report.ts'
import { closest } from '../values/closest.ts'

const known = new Set(
  (
    '$json $node $input $items $item $binary $data $rawParameter $parameter $credentials $env $vars $secrets $workflow $workflowId ' +
    '$execution $executionId $mode $prevNode $runIndex $itemIndex $position $now $today $self $resumeWebhookUrl ' +
    '$webhookId $nodeId $nodeVersion $jmespath $jmesPath $evaluateExpression $getPairedItem $getNodeParameter ' +
    '$getWorkflowStaticData $fromAI $fromAi $fromai $tool $agentInfo $ai $if $ifEmpty $not $min $max $average $request ' +
    '$response $responseItem $pageCount $version $value $index $thisItem $thisRunIndex $thisItemIndex $evaluation'
  ).split(' '),
)
const variable = /\$[A-Za-z_]\w*/g

/** Whether the code may use an unknown variable. Faster than to parse it. */
export const mayUseUnknownVariable = (code: string): boolean =>
  (code.match(variable) ?? []).some((each) => !known.has(each))

export function checkVariables(
  node: CheckedNode,
  identifiers: ReadonlySet<string>,
  declared: ReadonlyMap<string, unknown>,
  at: string,
  report: Report,
): void {
  const name = [...identifiers].find(
    (each) => /^\$[A-Za-z_]/.test(each) && !known.has(each) && !declared.has(each),
  )
  if (name === undefined) return
  const meant = closest(name, known)
  report.add(node, {
    code: 'unknown-variable',
    level: 'warning',
    at,
    message: `n8n has no variable ${shown(name)}${meant === undefined ? '' : `. Did you mean ${meant}?`}`,
  })
}
