/** @module Names of the data files that exist in numbers: one for each node type. */

const nodeFile = /^(?:index|search|n8n-nodes-[a-z]+\/[A-Za-z0-9]+)$/

/**
 * The path of a file of node facts below `public/data/`.
 * @throws {TypeError} for any other name
 */
export function nodeDataPath(name: string): string {
  if (!nodeFile.test(name)) throw new TypeError(`Not a file of node facts: ${JSON.stringify(name)}`)
  return `nodes/${name}.json`
}
