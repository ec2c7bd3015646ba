/** @module Line icons on a 24 px grid, and badges of nodes and credential types. */

const paths = {
  overview: 'M4 4h7v9H4zM15 4h5v5h-5zM15 13h5v7h-5zM4 17h7v3H4z',
  executions: 'M3 12h4l3 7 4-14 3 7h4',
  workflows: 'M3 4h7v7H3zM14 13h7v7h-7zM7 11v3a3 3 0 0 0 3 3h4',
  credentials: 'M3 21v-3l8-8M6 15l3 3M15.5 3a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z',
  deployments: 'M12 15V4M7.5 8.5 12 4l4.5 4.5M4 14v4a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-4',
  instances: 'M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01',
  audit: 'M6 3h9l4 4v14H6zM15 3v4h4M9.5 12h6M9.5 16h6',
  search: 'M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16.2 16.2 21 21',
  plus: 'M12 5v14M5 12h14',
  menu: 'M4 6h16M4 12h16M4 18h16',
  back: 'M15 5l-7 7 7 7',
  up: 'M6 15l6-6 6 6',
  down: 'M6 9l6 6 6-6',
  right: 'M9 6l6 6-6 6',
  arrow: 'M5 12h14M13 6l6 6-6 6',
  external: 'M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5',
  retry: 'M20 11a8 8 0 1 0-2.3 6.6M20 4v7h-7',
  undo: 'M4 9h10a5 5 0 0 1 0 10h-4M8 5 4 9l4 4',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  clock: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 7v5l3.5 2',
  calendar: 'M4 6h16v14H4zM4 10h16M8 3v4M16 3v4',
  globe:
    'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM3 12h18M12 3c3 2.6 4 5.6 4 9s-1 6.4-4 9c-3-2.6-4-5.6-4-9s1-6.4 4-9z',
  sun: 'M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  auto: 'M4 5h16v11H4zM9 20h6M12 16v4',
  signOut: 'M10 4H5v16h5M15 8l4 4-4 4M19 12H9',
  help: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 17h.01',
  book: 'M5 20V5a2 2 0 0 1 2-2h12v18H6.5a1.5 1.5 0 0 1 0-3H19',
  filter: 'M4 6h16M7 12h10M10 18h4',
  check: 'M5 12.5 10 17 19 7',
  cross: 'M6 6l12 12M18 6 6 18',
  hidden:
    'M3 3l18 18M10 6.3A9 9 0 0 1 12 6c4.5 0 8 4 9 6a15 15 0 0 1-2.6 3.5M6.5 8C4.6 9.3 3.4 11 3 12c1 2 4.5 6 9 6a9 9 0 0 0 4-1M10 10a3 3 0 0 0 4 4',
  bolt: 'M13 3 5 14h6l-1 7 8-11h-6z',
  branch: 'M12 20v-6L6 8V4M12 14l6-6V4M3.5 6.5 6 4l2.5 2.5M15.5 6.5 18 4l2.5 2.5',
  code: 'M8 6 3 12l5 6M16 6l5 6-5 6',
  pencil: 'M4 20l1-4.5L16.5 4 20 7.5 8.5 19z',
  robot: 'M5 9h14v10H5zM12 9V5M9 5h6M2 13v3M22 13v3M9.5 13v2M14.5 13v2',
  database:
    'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3zM4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3',
  spark: 'M12 3l2 6 6 2-6 2-2 6-2-6-6-2 6-2z',
  play: 'M7 4l13 8-13 8z',
  pause: 'M8 5v14M16 5v14',
  stop: 'M6 6h12v12H6z',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  download: 'M12 4v11M7.5 10.5 12 15l4.5-4.5M4 20h16',
  upload: 'M12 15V4M7.5 8.5 12 4l4.5 4.5M4 20h16',
  version: 'M12 8.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM2 12h6.5M15.5 12H22',
  link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1',
  bell: 'M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4',
  dollar:
    'M12 3v18M16.5 7.5c0-2-2-3-4.5-3s-4.5 1-4.5 3.5 2 3 4.5 3.5 4.5 1 4.5 3.5-2 3.5-4.5 3.5-4.5-1-4.5-3',
  note: 'M5 4h14v16H5zM9 9h6M9 13h6',
} as const

export type IconName = keyof typeof paths

/** Decorative: adjacent text or the label of the parent states the meaning. */
export function Icon({ name, small = false }: { name: IconName; small?: boolean }) {
  return (
    <svg class={small ? 'icon small' : 'icon'} viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}

/** An icon's path on the 24 px grid, for use inside another SVG. */
export const iconPath = (name: IconName): string => paths[name]

/** The product logo: a castle keep. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
      <rect class="logo-ground" width="24" height="24" rx="6.5" />
      <path
        class="logo-line"
        d="M6 18V6.5h2.5v2h2.25v-2h2.5v2h2.25v-2H18V18M6 18h3.5v-2.5a2.5 2.5 0 0 1 5 0V18H18"
      />
    </svg>
  )
}

const nodeIcons: Record<string, IconName> = {
  set: 'pencil',
  if: 'branch',
  switch: 'branch',
  merge: 'branch',
  filter: 'filter',
  code: 'code',
  function: 'code',
  functionItem: 'code',
  html: 'code',
  httpRequest: 'globe',
  webhook: 'bolt',
  respondToWebhook: 'undo',
  scheduleTrigger: 'clock',
  wait: 'clock',
  dateTime: 'calendar',
  manualTrigger: 'play',
  executeWorkflow: 'workflows',
  executeWorkflowTrigger: 'workflows',
  errorTrigger: 'bell',
  splitInBatches: 'retry',
  stickyNote: 'note',
  agent: 'robot',
  chainLlm: 'spark',
}

const isAi = (type: string) => type.includes('langchain')

export interface NodeFace {
  /** Replaces the initials. */
  icon: IconName | null
  /** Two letters. */
  initials: string
  isAi: boolean
  isTrigger: boolean
}

/** Icon or initials of a node type (`n8n-nodes-base.gmailTrigger`) or credential type (`slackOAuth2Api`). */
export function nodeFace(type: string | null): NodeFace {
  if (!type) return { icon: null, initials: '?', isAi: false, isTrigger: false }
  const short = type.split('.').at(-1) ?? type
  const isTrigger = /trigger$/i.test(short) || short === 'webhook'
  const icon = nodeIcons[short] ?? (short.startsWith('memory') ? 'database' : null)
  const name = short
    .replace(/(OAuth2?|Oauth2?)?(Api|Trigger|Tool)?$/, '')
    .replace(
      /^(lmChat|lm|embeddings|tool|memory|vectorStore|outputParser|chain|document|textSplitter)(?=[A-Z])/,
      '',
    )
  const words = name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+/g) ?? [short]
  const [first = short, second] = words
  const initials = second ? `${first[0] ?? ''}${second[0] ?? ''}` : first.slice(0, 2)
  return {
    icon,
    initials: `${initials.charAt(0).toUpperCase()}${initials.slice(1).toLowerCase()}`,
    isAi: isAi(type),
    isTrigger,
  }
}

/** A small badge, placed next to the name of the node or type. */
export function NodeBadge({ type, large = false }: { type: string | null; large?: boolean }) {
  const face = nodeFace(type)
  const names = ['badge', face.isAi && 'ai', face.isTrigger && 'trigger', large && 'large'].filter(Boolean)
  return (
    <span class={names.join(' ')} aria-hidden="true">
      {face.icon ? <Icon name={face.icon} /> : face.initials}
    </span>
  )
}

/** The first four node types and the number of others. */
export function NodeBadges({
  types,
  nameOf,
}: {
  types: readonly string[]
  nameOf: (type: string) => string
}) {
  const shown = types.slice(0, 4)
  return (
    <span class="badges" role="img" aria-label={`Nodes: ${types.map(nameOf).join(', ')}`}>
      {shown.map((type) => (
        <NodeBadge type={type} />
      ))}
      {types.length > shown.length && <span class="badge more">+{types.length - shown.length}</span>}
    </span>
  )
}
