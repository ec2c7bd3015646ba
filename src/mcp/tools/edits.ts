/** @module The tool that changes a saved workflow by operations. */
import * as z from 'zod'
import type { EditResult } from '../../workflows/edits/contract.ts'
import { EditOperation, maxOperations } from '../../workflows/edits/operations.ts'
import { type Argument, flag, id, optional, text, version } from '../arguments.ts'
import { answer, fenced, inline, named, plain, refusePlaceholder } from '../fence.ts'
import { findingText } from '../findings.ts'
import { tool } from '../tool.ts'

const operations: Argument<EditOperation[]> = {
  json: {
    type: 'array',
    items: { type: 'object' },
    description:
      'Each { op, … }: addNode node; removeNode node, reconnect?; replaceNode node, with; renameNode node, name; ' +
      'setParameter node, pointer, value (null removes); setNodeProperty node, property, value; setCredential node, ' +
      'type, credential {name}; connect, disconnect from, to, type?, output?, input?; enableNode, disableNode node; ' +
      'setSettings settings; setName name. node is a name, in addNode JSON',
  },
  type: z
    .array(EditOperation)
    .min(1, 'At least one operation')
    .max(maxOperations, `At most ${maxOperations} operations`),
}

export const editWorkflow = tool({
  name: 'edit_workflow',
  description:
    'Change a saved workflow by operations, all or none, as its next version. Expressions follow renames.',
  arguments: {
    workflowId: id(),
    version: version('Version that you read'),
    operations,
    prompt: optional(text(100_000, 'The request of the user')),
    model: optional(text(200)),
    dryRun: optional(flag()),
  },
  scope: 'workflows:write',
  async run({ edits }, userId, { workflowId, version: expected, ...request }) {
    refusePlaceholder(JSON.stringify(request.operations), 'An operation', 'Leave that parameter unchanged')
    const { result } = await edits.apply(userId, workflowId, expected, request)
    const findings = result.findings.filter(({ isNew }) => isNew)
    const others = result.findings.length - findings.length
    return answer(
      result.stored
        ? plain`Saved version ${result.version}.`
        : request.dryRun
          ? 'Dry run: nothing saved.'
          : 'The operations change nothing.',
      fenced(changeLines(result)),
      findings.length > 0 ? answer('New findings:', ...findingText(findings)) : 'No new findings.',
      others > 0 ? plain`Earlier findings: ${others}. check_workflow lists them.` : '',
      result.stored ? 'Next: plan_deployment.' : '',
    )
  },
})

function changeLines({ diff }: EditResult): string[] {
  const { added, removed, changed, connections, fields } = diff
  const links = (label: string, all: typeof connections.added) =>
    all.slice(0, 20).map(({ from, to }) => `${label}: ${inline(from)} → ${inline(to)}`)
  return [
    ...named('added', added),
    ...named('removed', removed),
    ...changed
      .slice(0, 30)
      .map(({ node, paths }) => `changed ${inline(node)}: ${inline(paths.slice(0, 10).join(', '), 300)}`),
    ...links('connected', connections.added),
    ...links('disconnected', connections.removed),
    ...named('changed', fields),
  ]
}
