/** @module CPU profiles of the Node server as flame graphs: one SVG for each path, without scripts. */
import { sleep } from '../../src/lib/retry.ts'

interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[]
}

export interface CpuProfile {
  nodes: ProfileNode[]
  samples: number[]
  /** Microseconds. */
  timeDeltas: number[]
}

interface Frame {
  name: string
  us: number
  below: Map<string, Frame>
}

/** Where Node listens after SIGUSR1. */
const inspector = 'http://127.0.0.1:9229/json'
const intervalUs = 200

/** @param pid of a Node process, whose inspector stays open */
export async function profileOf(pid: number, work: () => Promise<unknown>): Promise<CpuProfile> {
  process.kill(pid, 'SIGUSR1')
  await sleep(500)
  const [target] = (await (await fetch(inspector)).json()) as { webSocketDebuggerUrl: string }[]
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '')
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
  let sent = 0
  const post = (method: string, params = {}) => {
    sent += 1
    const id = sent
    return new Promise<{ profile: CpuProfile }>((resolve) => {
      const onMessage = ({ data }: MessageEvent) => {
        const message = JSON.parse(String(data)) as { id: number; result: { profile: CpuProfile } }
        if (message.id !== id) return
        socket.removeEventListener('message', onMessage)
        resolve(message.result)
      }
      socket.addEventListener('message', onMessage)
      socket.send(JSON.stringify({ id, method, params }))
    })
  }
  await post('Profiler.enable')
  await post('Profiler.setSamplingInterval', { interval: intervalUs })
  await post('Profiler.start')
  await work()
  const { profile } = await post('Profiler.stop')
  socket.close()
  return profile
}

const width = 1200
const rowHeight = 16
/** Narrower frames are left out. */
const minWidth = 2
const charWidth = 6.2

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Frames by name, from callers to callees. Bundled modules are named as in the bundle; idle time is left out. */
function framesOf({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const own = new Map<number, number>()
  for (const [at, id] of samples.entries()) own.set(id, (own.get(id) ?? 0) + (timeDeltas[at] ?? 0))
  const root: Frame = { name: 'all', us: 0, below: new Map() }
  for (const [id, us] of own) {
    const names: string[] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { functionName, url } = byId.get(at)?.callFrame ?? { functionName: '', url: '' }
      if (functionName !== '(root)') names.unshift(`${functionName || '(anonymous)'} ${moduleOf(url)}`.trim())
    }
    if (names[0] === '(idle)') continue
    root.us += us
    let frame = root
    for (const name of names) {
      const next: Frame = frame.below.get(name) ?? { name, us: 0, below: new Map() }
      frame.below.set(name, next)
      next.us += us
      frame = next
    }
  }
  return root
}

/** The name of a module, without the path of this machine and the hash of a chunk. */
function moduleOf(url: string): string {
  if (url.startsWith('node:')) return url
  const name = url.split('/').at(-1) ?? ''
  return name.replace(/^chunk-\w+\.js$/, '')
}

/** @param title what ran */
export function flameGraph(title: string, profile: CpuProfile): string {
  const root = framesOf(profile)
  const boxes: string[] = []
  let depth = 0
  const draw = (frame: Frame, x: number, row: number) => {
    const wide = (frame.us / root.us) * width
    if (wide < minWidth) return
    depth = Math.max(depth, row)
    const share = `${((frame.us / root.us) * 100).toFixed(1)}%`
    const fits = Math.floor((wide - 4) / charWidth)
    const label =
      fits > 3
        ? `<text x="${(x + 2).toFixed(1)}" y="${row * rowHeight + 12}">${escaped(frame.name.slice(0, fits))}</text>`
        : ''
    const hue = 20 + ((frame.name.length * 7) % 35)
    boxes.push(
      `<g><title>${escaped(frame.name)} ${share}</title><rect x="${x.toFixed(1)}" y="${row * rowHeight}" width="${(wide - 0.5).toFixed(1)}" height="${rowHeight - 1}" fill="hsl(${hue} 80% 70%)"/>${label}</g>`,
    )
    let from = x
    for (const below of [...frame.below.values()].toSorted((a, b) => b.us - a.us)) {
      draw(below, from, row + 1)
      from += (below.us / root.us) * width
    }
  }
  draw({ ...root, name: `${title}: ${(root.us / 1e6).toFixed(1)} s` }, 0, 0)
  const height = (depth + 1) * rowHeight
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="monospace" font-size="10">
<title>${escaped(title)}</title>
${boxes.join('\n')}
</svg>
`
}
