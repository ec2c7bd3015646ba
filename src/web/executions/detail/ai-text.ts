/** @module Describes a failure for an AI model: the workflow, the failed node and its parameters, without values. */
import { redact } from '../../../lib/secrets/redact.ts'
import { plural } from '../../format.ts'
import { redactParameters, parameterText } from './redact-parameters.ts'
import type { RunView } from './model.ts'

const promptMaxChars = 2000

export function aiText({ page, title, failure, graph, nodes, timeline }: RunView): string {
  const { run, version } = page
  const node = failure?.node ? graph.byName.get(failure.node) : undefined
  const ran = nodes.map(({ name, items }) => `${name} (${plural(items, 'item')})`)
  const skipped = timeline.rows.filter(({ state }) => state === 'skipped')
  const parameters = redactParameters(node?.json['parameters']).rows
  const sections: [string, string | string[] | null | undefined][] = [
    ['Workflow', `${title}, version ${run.workflowVersion}, in n8n`],
    ['Original prompt', version?.prompt && redact(version.prompt).slice(0, promptMaxChars)],
    ['Model', version?.model],
    [
      'Failed node',
      failure?.node && `${failure.node}${node ? ` (${node.type}, version ${typeVersionOf(node.json)})` : ''}`,
    ],
    ['Error', failure && redact(failure.message)],
    ['HTTP status', failure?.httpStatus === null ? null : String(failure?.httpStatus ?? '')],
    ['Explanation', failure?.cause],
    [
      'Node parameters (values omitted)',
      parameters.map((row) => `${'  '.repeat(row.depth)}- ${row.key}: ${parameterText(row)}`),
    ],
    ['Nodes that ran, in order', ran.map((text) => `- ${text}`)],
    ['Nodes that did not run', skipped.map(({ name, reason }) => `- ${name}: ${reason}`)],
  ]
  const content = sections.flatMap(([heading, text]) => {
    const body = Array.isArray(text) ? text.join('\n') : text
    return body ? [`## ${heading}\n${body}`] : []
  })
  return [
    'This n8n workflow is failing. Find the cause and list the changes that fix it, node by node.',
    ...content,
  ].join('\n\n')
}

function typeVersionOf(json: Record<string, unknown>): string {
  const version = json['typeVersion']
  return typeof version === 'number' ? String(version) : '1'
}
