/** @module CPU time of the workerd processes that this process started. */
import { readdirSync, readFileSync } from 'node:fs'

const tickMs = 10

/** Milliseconds, in steps of 10. */
export function workerdCpuMs(): number {
  const processes = new Map<number, { name: string; parent: number; ms: number }>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    let stat: string
    try {
      stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
    } catch {
      continue
    }
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [, parent = 0] = fields
    processes.set(Number(entry), { name, parent, ms: ((fields[11] ?? 0) + (fields[12] ?? 0)) * tickMs })
  }
  const isOurs = (pid: number): boolean =>
    pid === process.pid || (pid > 1 && isOurs(processes.get(pid)?.parent ?? 0))
  return [...processes].reduce(
    (sum, [pid, { name, ms }]) => sum + (name === 'workerd' && isOurs(pid) ? ms : 0),
    0,
  )
}
