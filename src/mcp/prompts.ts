/** @module Prompts that a person starts in a client. Their arguments are fenced, because a client fills in what others wrote. */
import { invalid } from '../errors.ts'
import { fenced } from './fence.ts'

interface Prompt {
  name: string
  description: string
  argument: { name: string; description: string; required: boolean }
  text: string
}

export const prompts: readonly Prompt[] = [
  {
    name: 'build',
    description: 'Build a workflow and deploy it',
    argument: { name: 'request', description: 'What the workflow should do', required: true },
    text: `Build an n8n workflow for the request below.
1. Call find_nodes once for all steps, then node_shape for the nodes you choose.
2. save_workflow with the request as prompt and your model name. Correct every error that it returns.
3. plan_deployment. If a credential is missing or ambiguous, ask the user. Show the user what it would change.
4. deploy with the planHash once the user agrees, and give the user the URLs.`,
  },
  {
    name: 'repair',
    description: 'Find out why a run failed and fix the workflow',
    argument: {
      name: 'run',
      description: 'ID of the run. Default: the latest failure',
      required: false,
    },
    text: `Repair the workflow of the failed run below; without an ID, of the latest failure.
1. runs with the ID as runId, or latest-failure. It shows the cause, the node and what it received.
2. If the cause is a credential or an outage, tell the user and stop.
3. Change only what caused the failure, with what you changed and why as prompt.
4. plan_deployment, show the user the changes, and deploy once the user agrees.`,
  },
  {
    name: 'upgrade',
    description: 'Make a workflow work on the n8n version of an instance',
    argument: { name: 'workflow', description: 'ID or name of the workflow', required: true },
    text: `Make the workflow below work on the n8n version of its instance.
1. search_workflows for it, unless you have its ID. read_workflow shows its deployments with their instances.
2. check_workflow with the instanceId, then again with fix to apply the safe fixes.
3. For each finding that remains, read its nodes and change them. node_shape shows the current parameters.
4. plan_deployment, show the user the changes, and deploy once the user agrees.`,
  },
]

/** @throws {AppError} `invalid` for an unknown prompt or a missing argument */
export function promptText(name: string, given: Readonly<Record<string, string>>): string {
  const prompt = prompts.find((each) => each.name === name)
  if (!prompt) throw invalid('name', `Use one of: ${prompts.map((each) => each.name).join(', ')}`)
  const value = given[prompt.argument.name] ?? ''
  if (prompt.argument.required && value.trim() === '')
    throw invalid(prompt.argument.name, prompt.argument.description)
  return `${prompt.text}\n\n${fenced(value || 'latest-failure')}`
}
