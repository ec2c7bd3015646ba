/** @module A value that is loaded on first use and shared by every request of the isolate. */

/** A request that ends early cancels the load it started. After this wait, other requests load for themselves. */
const patienceMs = 3_000

/**
 * Loads once for all concurrent callers. A failure rejects every waiting caller, and the next call loads again.
 */
export function sharedLoad<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: { value: T } | undefined
  let loading: Promise<T> | undefined
  const start = (): Promise<T> => {
    const started = load()
      .then((value) => (loaded ??= { value }).value)
      .finally(() => {
        if (loading === started) loading = undefined
      })
    loading = started
    return started
  }
  return async () => {
    if (loaded) return loaded.value
    if (!loading) return start()
    let timer: ReturnType<typeof setTimeout> | undefined
    const impatient = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), patienceMs)
    })
    const first = await Promise.race([loading.then((value) => ({ value })), impatient]).finally(() =>
      clearTimeout(timer),
    )
    return first ? first.value : start()
  }
}
