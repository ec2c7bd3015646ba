/** @module The name of a test's scratch copy in n8n, by which an interrupted test is found again. Pure. */
const prefix = 'flowkeep-test-'

export const scratchNameOf = (testRunId: string): string => prefix + testRunId

/** Whether a workflow in n8n is the scratch copy of a test. */
export const isScratchName = (name: string): boolean =>
  name.startsWith(prefix) && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(name.slice(prefix.length))
