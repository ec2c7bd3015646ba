/** @module Edits as sentences, for the history of a workflow. */
import type { EditOperation } from './operations.ts'

const maxNameChars = 80

const cut = (text: string): string =>
  text.length <= maxNameChars ? text : `${text.slice(0, maxNameChars).toWellFormed()}…`
const textOf = (value: unknown): string => (typeof value === 'string' ? cut(value) : '?')
/** `/options/timeout` → `options.timeout` */
const pathOf = (pointer: string): string =>
  cut(pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~'))
/** `n8n-nodes-base.slack` → `slack` */
const typeOf = (type: unknown): string => textOf(typeof type === 'string' ? type.split('.').at(-1) : type)

/** The first edits of a version, and how many follow. */
export function sentencesOf(edits: readonly EditOperation[], most = 20): string[] {
  const more = edits.length - most
  const listed = edits.slice(0, most).map(sentenceOf)
  return more > 0 ? [...listed, `${more} more`] : listed
}

type Sentences = { [Op in EditOperation['op']]: (edit: Extract<EditOperation, { op: Op }>) => string }

/** What an operation did, such as `Set options.timeout of HTTP Request`. */
const sentences: Sentences = {
  addNode: ({ node }) => `Added ${textOf(node.name)} (${typeOf(node.type)})`,
  removeNode: ({ node }) => `Removed ${cut(node)}`,
  replaceNode: (edit) => `Replaced ${cut(edit.node)} with ${typeOf(edit.with.type)}`,
  renameNode: ({ node, name }) => `Renamed ${cut(node)} to ${cut(name)}`,
  moveNode: ({ node }) => `Moved ${cut(node)}`,
  enableNode: ({ node }) => `Enabled ${cut(node)}`,
  disableNode: ({ node }) => `Disabled ${cut(node)}`,
  setParameter: ({ node, pointer, value }) =>
    `${setOrRemoved(value)} ${pointer === '' ? 'all parameters' : pathOf(pointer)} of ${cut(node)}`,
  replaceText: ({ node, pointer }) => `Changed ${pathOf(pointer)} of ${cut(node)}`,
  setNodeProperty: ({ node, property, value }) => `${setOrRemoved(value)} ${property} of ${cut(node)}`,
  setCredential({ node, type, credential }) {
    const name = credential === null ? '' : ` to ${cut(credential.name)}`
    return `${setOrRemoved(credential)} the ${cut(type)} credential of ${cut(node)}${name}`
  },
  connect: (edit) => `Connected ${ends(edit, 'to')}`,
  disconnect: (edit) => `Disconnected ${ends(edit, 'from')}`,
  setPinData: ({ node, items }) => `${items === null ? 'Unpinned' : 'Pinned'} the data of ${cut(node)}`,
  setSettings: ({ settings }) => `Changed settings: ${cut(Object.keys(settings).join(', '))}`,
  setName: ({ name }) => `Renamed the workflow to ${cut(name)}`,
}

const sentenceOf = (edit: EditOperation): string =>
  (sentences[edit.op] as (edit: EditOperation) => string)(edit)

const setOrRemoved = (value: unknown): string => (value === null ? 'Removed' : 'Set')

function ends(
  { from, to, type = 'main', output = 0 }: Extract<EditOperation, { op: 'connect' | 'disconnect' }>,
  preposition: string,
): string {
  const source = output === 0 ? cut(from) : `${cut(from)} (output ${output})`
  return `${source} ${preposition} ${cut(to)}${type === 'main' ? '' : ` (${cut(type)})`}`
}
