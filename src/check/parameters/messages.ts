/** @module What is wrong with a parameter that n8n does not accept, and how to fix it. */
import { shown } from '../../n8n/structure/repairs.ts'
import type { ParameterIssue, ParameterProblem } from './issues.ts'
import { property as read } from '../../n8n/catalogue/paths.ts'

const maximumListed = 8

export const toMessage = (issue: ParameterIssue): string => messages[issue.problem](shown(issue.name), issue)

const messages: Record<ParameterProblem, (name: string, issue: ParameterIssue) => string> = {
  missing: (name, issue) => `The parameter ${name} is required. ${remedyOf(issue)}`,
  invalid: (name, issue) =>
    `The value of parameter ${name} has a format that n8n does not accept. ${formatOf(issue)}`,
  'too-few': (name, { facts }) =>
    `The parameter ${name} has too few entries. Add at least ${facts.typeOptions?.minRequiredFields ?? 1}`,
  'too-many': (name, { facts }) =>
    `The parameter ${name} has too many entries. Keep at most ${facts.typeOptions?.maxAllowedFields ?? 1}`,
  unreadable: (name, { facts }) =>
    `n8n cannot read the parameter ${name}. Give it the structure of ${kindOf(facts.type)}`,
}

function remedyOf({ facts }: ParameterIssue): string {
  if (facts.type === 'resourceLocator') return 'Set "mode" and "value"'
  const values = facts.type === 'options' ? listed(facts.options) : ''
  return values ? `Set it to one of: ${values}` : 'Set it'
}

function formatOf({ facts, value }: ParameterIssue): string {
  if (facts.validateType === 'options') return `Use one of: ${listed(facts.options)}`
  if (facts.validateType !== undefined) return `Use a value of type ${facts.validateType}`
  if (facts.type === 'resourceMapper') return "Use a value of the field's type"
  return `Check the value, or use a mode other than ${shown(String(read(value, 'mode')))}`
}

function kindOf(type = ''): string {
  if (type === 'fixedCollection')
    return 'a fixed collection: an object of groups, each with a list of entries'
  if (type === 'resourceLocator') return 'a resource locator: { "__rl": true, "mode": "…", "value": "…" }'
  if (type === 'filter') return 'a filter: { "conditions": […], "combinator": "and" }'
  return `a parameter of type ${type}`
}

function listed(options: ParameterIssue['facts']['options'] = []): string {
  const values = options.map(({ value }) => String(value))
  const more = values.length > maximumListed ? ' …' : ''
  return `${values.slice(0, maximumListed).join(', ')}${more}`
}
