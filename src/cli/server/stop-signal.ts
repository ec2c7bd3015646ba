/** @module Waits for a stop signal. */

const parentCheckMs = 250

/**
 * Resolves with the first stop signal; a second one ends the process immediately. The shell that npm starts exits on the
 * signal without forwarding it, so under npm the loss of the parent process counts as SIGTERM.
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
