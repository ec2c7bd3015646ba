/** @module Finds variables that n8n does not define, such as `$inputs`. */
import { shown } from '../../n8n/structure/repairs.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import type { CodeFacts } from '../code/check-code.ts'
import type { CheckedNode } from '../model.ts'
import type { Report } from '../report.ts'
import { closest } from '../values/closest.ts'

const known = new Set(
  (
    '$json $node $input $items $item $binary $data $rawParameter $parameter $env $vars $workflow $workflowId ' +
    '$execution $executionId $mode $prevNode $runIndex $itemIndex $position $now $today $self $resumeWebhookUrl ' +
    '$webhookId $nodeId $nodeVersion $jmespath $jmesPath $evaluateExpression $getPairedItem $getNodeParameter ' +
    '$getWorkflowStaticData $fromAI $fromAi $fromai $tool $agentInfo $ai $if $ifEmpty $not $min $max $average $request ' +
    '$response $responseItem $pageCount $version $value $index $thisItem $thisRunIndex $thisItemIndex $evaluation'
  ).split(' '),
)
/** Of JavaScript, in expressions and code. */
const shared =
  'Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date DateTime Duration Error EvalError Float32Array ' +
  'Float64Array Infinity Int16Array Int32Array Int8Array Interval Intl Iterator JSON Map Math NaN Number Object RangeError ReferenceError RegExp Set ' +
  'SharedArrayBuffer String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap ' +
  'WeakSet arguments decodeURI decodeURIComponent encodeURI encodeURIComponent isFinite isNaN parseFloat parseInt undefined extend extendOptional'
const inCode =
  'AggregateError Buffer FinalizationRegistry FormData Function Promise Proxy Reflect TextDecoder TextDecoderStream TextEncoder ' +
  'TextEncoderStream WeakRef WebAssembly atob btoa clearImmediate clearInterval clearTimeout console escape eval global globalThis ' +
  'helpers module exports require setImmediate setInterval setTimeout unescape'
const globals = {
  expression: new Set(shared.split(' ')),
  all: new Set(`${shared} ${inCode} items`.split(' ')),
  // `items` is reported with the mode.
  each: new Set(`${shared} ${inCode} item items`.split(' ')),
}
/** Names without `$`, and those of other libraries → what is meant. */
const meanings: Readonly<Record<string, string>> = {
  json: '$json',
  input: '$input',
  node: '$node',
  now: '$now',
  today: '$today',
  workflow: '$workflow',
  execution: '$execution',
  vars: '$vars',
  fromAI: '$fromAI',
  item: '$input.item',
  items: '$input.all()',
  moment: 'DateTime, which is Luxon',
  dayjs: 'DateTime, which is Luxon',
  $credentials: 'the credential of the node instead: n8n does not expose its values to expressions',
  $secrets: 'a credential instead: n8n provides secrets only to credentials',
  axios: 'an HTTP Request node, or this.helpers.httpRequest() in code',
  fetch: 'an HTTP Request node, or this.helpers.httpRequest() in code',
}

export function checkVariables(
  node: CheckedNode,
  { identifiers, declared, assigned }: Pick<CodeFacts, 'identifiers' | 'declared' | 'assigned'>,
  place: keyof typeof globals,
  at: string,
  report: Report,
  fixed?: (name: string, meant: string) => Finding['fix'],
): void {
  if (identifiers.has('$env') && !declared.has('$env')) {
    report.add(node, {
      code: 'env-not-available',
      level: 'warning',
      at,
      message: 'n8n 2 blocks $env unless the server sets N8N_BLOCK_ENV_ACCESS_IN_NODE to false',
      n8n: 'access to env vars denied',
    })
  }
  // n8n reads the arguments of $fromAI as text.
  if (identifiers.has('$fromAI')) return
  const name = [...identifiers].find(
    (each) =>
      !declared.has(each) &&
      !assigned.has(each) &&
      !known.has(each) &&
      each !== '$' &&
      !globals[place].has(each),
  )
  if (name === undefined) return
  const hint = Object.hasOwn(meanings, name) ? meanings[name] : undefined
  const meant = hint ?? (name.startsWith('$') ? closest(name, known) : undefined)
  const remedy = meant === undefined ? '' : hint === undefined ? `. Did you mean ${meant}?` : `. Use ${meant}`
  report.add(node, {
    code: 'unknown-variable',
    level: 'warning',
    at,
    message: `n8n has no variable ${shown(name)} ${place === 'expression' ? 'in expressions' : 'in code'}${remedy}`,
    fix:
      meant?.startsWith('$') && place === 'expression' && name !== 'items' ? fixed?.(name, meant) : undefined,
  })
}
