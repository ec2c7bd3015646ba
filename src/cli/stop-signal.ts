/** @module When a server is asked to stop. */

const parentCheckMs = 250

/**
 * Resolves with the first signal that asks to stop; the second one ends the process at once. The shell between npm and
 * this process dies of the signal instead of passing it on: under npm, losing it counts as SIGTERM.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal))
    if (process.env.npm_lifecycle_event === undefined) return
    const parent = process.ppid
    const timer = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(timer)
      resolve('SIGTERM')
    }, parentCheckMs)
    timer.unref()
  })
}
