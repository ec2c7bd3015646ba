/** @module The files of facts on Node, where they are modules. On Workers, `worker/data-files.ts` stands in by `#data-files`. */

const files = {
  catalogue: () => import('../../public/data/catalogue.json', { with: { type: 'json' } }),
  'parameter-facts': () => import('../../public/data/parameter-facts.json', { with: { type: 'json' } }),
}
export type DataFile = keyof typeof files

/** The parsed file, `public/data/<name>.json`. Callers keep what they make of it. */
export async function readDataFile(name: DataFile): Promise<unknown> {
  const { default: parsed } = await files[name]()
  return parsed
}
