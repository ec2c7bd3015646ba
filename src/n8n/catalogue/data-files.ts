/** @module Loads the data files on Node as modules. On Workers, `#data-files` resolves to `worker/data-files.ts`. */

const files = {
  catalogue: () => import('../../../public/data/catalogue.json', { with: { type: 'json' } }),
  'parameter-facts': () => import('../../../public/data/parameter-facts.json', { with: { type: 'json' } }),
}
export type DataFile = keyof typeof files

/** The parsed file `public/data/<name>.json`. Not cached: callers cache what they derive from it. */
export async function readDataFile(name: DataFile): Promise<unknown> {
  const { default: parsed } = await files[name]()
  return parsed
}
