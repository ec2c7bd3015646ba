/** @module Plants one mistake in a workflow. Every kind is one that AI models make. */
import type { Random } from '../harness/random.ts'
import type { FactsOf } from '../../src/check/facts/node-facts.ts'
import { type CheckedNode, WorkflowModel } from '../../src/check/model.ts'
import type { JsonObject } from '../../src/lib/json-object.ts'

export interface Planted {
  kind: string
  /** 1: n8n refuses the workflow. 2: n8n accepts it. */
  level: 1 | 2
  workflow: JsonObject
  /** Name of the node at which the finding is expected; undefined: the workflow. */
  node?: string
  /** Any of them is fitting. */
  codes: string[]
  /** One answer is right, so that a fix is expected. */
  fixable?: boolean
}

const pick = <T>(list: readonly T[], random: Random): T | undefined =>
  list[Math.floor(random() * list.length)]

interface Site {
  model: WorkflowModel
  json: any
  random: Random
  nodes: readonly CheckedNode[]
  facts: FactsOf
}

type Plant = (site: Site) => Omit<Planted, 'kind' | 'workflow'> | undefined

const connected = ({ model, nodes }: Site) =>
  nodes.filter((node) => model.incoming(node).length > 0 || model.outgoing(node).length > 0)
const mainOnly = (site: Site) =>
  connected(site).filter((node) => site.model.incoming(node).some(({ type }) => type === 'main'))
const rawOf = (site: Site, node: CheckedNode): any => site.json.nodes[node.index]

interface Text {
  node: CheckedNode
  holder: any
  key: string
  value: string
}

/** Strings in displayed parameters. */
function texts(site: Site, wanted: (value: string) => boolean): Text[] {
  const found: Text[] = []
  for (const node of mainOnly(site)) {
    if (!node.facts) continue
    const visit = (holder: any) => {
      for (const [key, value] of Object.entries(holder)) {
        if (/^(?:jsCode|pythonCode|functionCode|cached.*|html|query)$/.test(key)) continue
        if (typeof value === 'string' && wanted(value)) found.push({ node, holder, key, value })
        else if (typeof value === 'object' && value !== null) visit(value)
      }
    }
    const raw = rawOf(site, node).parameters
    for (const name of Object.keys(node.parameters)) {
      const [property] = node.values.displayed(name)
      if (!property || property.noDataExpression) continue
      visit({ [name]: raw[name] })
      linkTop(found, node, raw, name)
    }
  }
  return found
}

/** A string directly in the parameters must be changed there. */
function linkTop(found: Text[], node: CheckedNode, raw: any, name: string): void {
  for (const text of found)
    if (text.node === node && text.key === name && raw[name] === text.value) text.holder = raw
}

const isSimple = (value: string) => /^=\{\{[^{}]*\$json[^{}]*\}\}$/.test(value)
const short = (node: CheckedNode) => node.shortType
const codeNodes = (site: Site) =>
  mainOnly(site).filter(
    (node) =>
      node.type === 'n8n-nodes-base.code' &&
      node.facts &&
      (node.values.get('language') ?? 'javaScript') === 'javaScript',
  )
const requests = (site: Site) =>
  mainOnly(site).filter((node) => node.type === 'n8n-nodes-base.httpRequest' && node.version >= 3)

const at = (node: CheckedNode, level: 1 | 2, codes: string[], fixable = false) => ({
  node: node.name,
  level,
  codes,
  fixable,
})

export const plants: Record<string, Plant> = {
  'type in lowercase': (site) => {
    const node = pick(
      connected(site).filter((each) => each.facts && /[A-Z]/.test(short(each))),
      site.random,
    )
    if (!node) return undefined
    rawOf(site, node).type = node.type.slice(0, node.type.lastIndexOf('.') + 1) + short(node).toLowerCase()
    return at(node, 1, ['unknown-node-type'], true)
  },
  'type misspelled': (site) => {
    const node = pick(
      connected(site).filter((each) => each.facts && short(each).length > 6),
      site.random,
    )
    if (!node) return undefined
    const middle = Math.floor(short(node).length / 2)
    rawOf(site, node).type = node.type.replace(
      short(node),
      short(node).slice(0, middle) + short(node).slice(middle + 1),
    )
    return at(node, 1, ['unknown-node-type'], true)
  },
  'type of the wrong package': (site) => {
    const names = new Set(site.facts.typeNames())
    const node = pick(
      connected(site).filter(
        (each) => each.facts && each.type.startsWith('@n8n/') && !names.has(`n8n-nodes-base.${short(each)}`),
      ),
      site.random,
    )
    if (!node) return undefined
    rawOf(site, node).type = `n8n-nodes-base.${short(node)}`
    return at(node, 1, ['unknown-node-type'], true)
  },
  'version that does not exist': (site) => {
    const node = pick(
      connected(site).filter((each) => each.facts && !each.nodeType?.takesAnyVersion),
      site.random,
    )
    if (!node) return undefined
    rawOf(site, node).typeVersion =
      Math.floor(Math.max(...(node.nodeType?.versions ?? [1]))) + 1 + Math.floor(site.random() * 3)
    return at(node, 1, ['unknown-node-version'], true)
  },
  'version missing': (site) => {
    const node = pick(
      connected(site).filter(
        (each) => each.facts && each.version >= 2 && Object.keys(each.parameters).length > 1,
      ),
      site.random,
    )
    if (!node) return undefined
    delete rawOf(site, node).typeVersion
    return at(node, 2, ['missing-type-version'], true)
  },
  'required parameter missing': (site) => {
    const node = pick(
      requests(site).filter((each) => each.parameters.url),
      site.random,
    )
    if (!node) return undefined
    delete rawOf(site, node).parameters.url
    return at(node, 1, ['missing-parameter'])
  },
  'cron expression': (site) => {
    const node = pick(
      connected(site).filter((each) => short(each) === 'scheduleTrigger'),
      site.random,
    )
    if (!node) return undefined
    const expression = pick(['every day', '0 25 * * *', '* * *', '61 * * * *'], site.random)
    rawOf(site, node).parameters = { rule: { interval: [{ field: 'cronExpression', expression }] } }
    return at(node, 1, ['invalid-schedule'])
  },
  'connections by ID': (site) => {
    const node = pick(
      connected(site).filter((each) => site.model.outgoing(each).length > 0 && each.json.id),
      site.random,
    )
    const id = node?.json['id']
    const isUnique = site.json.nodes.filter((each: any) => each.id === id || each.name === id).length === 1
    if (!node || !isUnique) return undefined
    const entry = site.json.connections[node.name]
    delete site.json.connections[node.name]
    site.json.connections[String(node.json.id)] = entry
    return { level: 1, codes: ['connection-by-id'], fixable: true }
  },
  'flat list of targets': (site) => {
    const node = pick(
      site.nodes.filter((each) => site.model.outgoing(each).some((link) => link.type === 'main')),
      site.random,
    )
    if (!node) return undefined
    site.json.connections[node.name].main = site.json.connections[node.name].main.flat()
    return { ...at(node, 1, ['invalid-connection']), fixable: true }
  },
  'connection to a missing node': (site) => {
    const node = pick(
      site.nodes.filter((each) => site.model.outgoing(each).some((link) => link.type === 'main')),
      site.random,
    )
    const slot = node && site.json.connections[node.name].main.find((each: any) => each?.length > 0)
    if (!node || !slot) return undefined
    slot[0].node = 'Send Report Later'
    return { level: 1, codes: ['dangling-connection'] }
  },
  'duplicate name': (site) => {
    const node = pick(mainOnly(site), site.random)
    const other = pick(mainOnly(site), site.random)
    if (!node || !other || other.index <= node.index) return undefined
    rawOf(site, other).name = node.name
    return { level: 1, codes: ['duplicate-node-name'], node: node.name }
  },
  'unknown option': (site) => {
    const candidates = mainOnly(site).flatMap((node) =>
      Object.entries(node.parameters)
        .filter(([name, value]) => {
          const displayed = node.values.displayed(name)
          return (
            displayed.length > 0 &&
            typeof value === 'string' &&
            displayed.every(
              (each) => each.type === 'options' && !each.typeOptions?.loadsOptions && each.options?.length,
            )
          )
        })
        .map(([name]) => ({ node, name })),
    )
    const found = pick(candidates, site.random)
    if (!found || !found.node.facts) return undefined
    rawOf(site, found.node).parameters[found.name] = pick(
      ['performAction', 'sendNow', 'customValue', 'full_text'],
      site.random,
    )
    return at(found.node, 2, ['unknown-option'])
  },
  'option in another case': (site) => {
    const found = pick(
      mainOnly(site).flatMap((node) =>
        ['resource', 'operation', 'mode']
          .filter((name) => {
            const value = node.parameters[name]
            return (
              typeof value === 'string' &&
              /[A-Z]/.test(value) &&
              !value.startsWith('=') &&
              node.values
                .displayed(name)
                .some((each) => each.options?.some((option) => option.value === value))
            )
          })
          .map((name) => ({ node, name })),
      ),
      site.random,
    )
    if (!found) return undefined
    const raw = rawOf(site, found.node).parameters
    raw[found.name] = String(raw[found.name]).replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    return at(found.node, 2, ['unknown-option'], true)
  },
  'parameter misspelled': (site) => {
    const found = pick(
      mainOnly(site).flatMap((node) =>
        Object.entries(node.parameters)
          .filter(
            ([name, value]) =>
              node.values.displayed(name).length > 0 &&
              name.length > 6 &&
              typeof value === 'string' &&
              value !== '',
          )
          .map(([name]) => ({ node, name })),
      ),
      site.random,
    )
    if (!found || !found.node.facts) return undefined
    const raw = rawOf(site, found.node).parameters
    raw[`${found.name.slice(0, 3)}${found.name.slice(4)}`] = raw[found.name]
    delete raw[found.name]
    return at(
      found.node,
      2,
      ['unknown-parameter', 'misplaced-parameter', 'parameter-of-other-version', 'unknown-option'],
      false,
    )
  },
  'invented parameter': (site) => {
    const node = pick(
      mainOnly(site).filter((each) => each.facts),
      site.random,
    )
    if (!node) return undefined
    rawOf(site, node).parameters[
      pick(['retryCount', 'outputFormat', 'bodyContent', 'enableLogging'], site.random) ?? ''
    ] = 'yes'
    return at(node, 2, ['unknown-parameter'])
  },
  'missing equals sign': (site) => {
    const text = pick(
      texts(site, (value) => value.startsWith('=') && /\{\{[^}]*\$(?:json|\(|node|input|now)/.test(value)),
      site.random,
    )
    if (!text) return undefined
    text.holder[text.key] = text.value.slice(1)
    return at(text.node, 2, ['literal-expression', 'unknown-option'], true)
  },
  'broken expression': (site) => {
    const text = pick(texts(site, isSimple), site.random)
    if (!text) return undefined
    const how = pick<(value: string) => string>(
      [
        (value) => value.replace(/\}\}$/, ' + }}'),
        (value) => value.replace(/\}\}$/, ' ) }}'),
        (value) => value.replace('{{', '{{ ('),
        (value) => value.replace(/\}\}$/, "['a }}"),
      ],
      site.random,
    )
    text.holder[text.key] = how?.(text.value)
    return at(text.node, 2, ['invalid-expression'])
  },
  'expression without braces': (site) => {
    const text = pick(
      texts(site, (value) => /^=\{\{ ?\$json[.\w]+ ?\}\}$/.test(value)),
      site.random,
    )
    if (!text) return undefined
    text.holder[text.key] = `=${text.value.slice(3, -2).trim()}`
    return at(text.node, 2, ['expression-without-braces'], true)
  },
  'reference to a missing node': (site) => {
    const text = pick(texts(site, isSimple), site.random)
    if (!text) return undefined
    text.holder[text.key] = text.value.replace('$json', "$('Fetch Customer Record').item.json")
    return at(text.node, 2, ['unknown-node-reference'])
  },
  'old reference to a missing node': (site) => {
    const text = pick(texts(site, isSimple), site.random)
    if (!text) return undefined
    text.holder[text.key] = text.value.replace('$json', '$node["Fetch Customer Record"].json')
    return at(text.node, 2, ['unknown-node-reference'])
  },
  'reference to a later node': (site) => {
    const text = pick(texts(site, isSimple), site.random)
    if (!text) return undefined
    const later = site.model
      .outgoing(text.node)
      .find(({ type, target }) => type === 'main' && target.isEnabled)?.target
    if (!later || /['"\\]/.test(later.name) || reaches(site, later, text.node)) return undefined
    if (site.model.incoming(later).filter(({ type }) => type === 'main').length > 1) return undefined
    text.holder[text.key] = text.value.replace('$json', `$('${later.name}').first().json`)
    return at(text.node, 2, ['reference-not-executed'])
  },
  'locator as text': (site) => {
    const found = pick(
      mainOnly(site).flatMap((node) =>
        Object.entries(node.parameters)
          .filter(
            ([name, value]: [string, any]) =>
              value?.['__rl'] &&
              value.value &&
              node.values.displayed(name).some((each) => each.type === 'resourceLocator'),
          )
          .map(([name]) => ({ node, name })),
      ),
      site.random,
    )
    if (!found) return undefined
    const raw = rawOf(site, found.node).parameters
    raw[found.name] = raw[found.name].value
    return at(found.node, 2, ['locator-as-text'], true)
  },
  'boolean as text': (site) => {
    const found = pick(
      mainOnly(site).flatMap((node) =>
        Object.entries(node.parameters)
          .filter(([name, value]) => value === true && node.values.displayed(name).length > 0)
          .map(([name]) => ({ node, name })),
      ),
      site.random,
    )
    if (!found?.node.facts) return undefined
    rawOf(site, found.node).parameters[found.name] = 'true'
    return at(found.node, 2, ['boolean-as-text'], true)
  },
  'agent without a model': (site) => {
    const link = pick(
      site.model.links.filter(
        ({ type, target }) => type === 'ai_languageModel' && target.facts && /agent|chain/i.test(target.type),
      ),
      site.random,
    )
    if (
      !link ||
      site.model.incoming(link.target).filter(({ type }) => type === 'ai_languageModel').length > 1
    )
      return undefined
    delete site.json.connections[link.source.name].ai_languageModel
    return at(link.target, 2, ['missing-ai-input'])
  },
  'sub-node by main': (site) => {
    const link = pick(
      site.model.links.filter(
        ({ type, source, target }) =>
          type !== 'main' && source.facts && target.facts && site.model.outgoing(source).length === 1,
      ),
      site.random,
    )
    if (!link) return undefined
    site.json.connections[link.source.name] = { main: [[{ node: link.target.name, type: 'main', index: 0 }]] }
    return at(link.source, 2, ['sub-node-by-main'], true)
  },
  'connection reversed': (site) => {
    const link = pick(
      site.model.links.filter(
        ({ type, source, target }) =>
          type !== 'main' && source.facts && target.facts && site.model.outgoing(source).length === 1,
      ),
      site.random,
    )
    if (!link) return undefined
    delete site.json.connections[link.source.name]
    const outputs = (site.json.connections[link.target.name] ??= {})
    if (outputs[link.type]) return undefined
    outputs[link.type] = [[{ node: link.source.name, type: link.type, index: 0 }]]
    return at(link.target, 2, ['connection-reversed'], true)
  },
  'unknown connection type': (site) => {
    const link = pick(
      site.model.links.filter(({ type }) => type === 'ai_languageModel'),
      site.random,
    )
    if (!link) return undefined
    const byType = site.json.connections[link.source.name]
    byType.llm = byType.ai_languageModel.map((slot: any) =>
      slot?.map((each: any) => ({ ...each, type: 'llm' })),
    )
    delete byType.ai_languageModel
    return at(link.source, 2, ['unknown-connection-type'])
  },
  'output that does not exist': (site) => {
    const link = pick(
      site.model.links.filter(
        ({ type, source }) =>
          type === 'main' &&
          source.facts &&
          ['set', 'httpRequest', 'if', 'code', 'telegram', 'slack', 'gmail'].includes(short(source)) &&
          source.json.onError !== 'continueErrorOutput',
      ),
      site.random,
    )
    if (!link) return undefined
    const main = site.json.connections[link.source.name].main
    while (main.length < 2) main.push([])
    main[2] = [{ node: link.target.name, type: 'main', index: 0 }]
    return at(link.source, 2, ['output-index-out-of-range'])
  },
  'input that does not exist': (site) => {
    const link = pick(
      site.model.links.filter(
        ({ type, target, source }) =>
          type === 'main' && target.facts && source !== target && short(target) === 'merge',
      ),
      site.random,
    )
    if (!link) return undefined
    const count = Number(link.target.parameters.numberInputs ?? 2)
    for (const slot of site.json.connections[link.source.name].main) {
      for (const each of slot ?? []) if (each.node === link.target.name) each.index = count
    }
    return at(link.target, 2, ['input-index-out-of-range'])
  },
  'respond node missing': (site) => {
    const node = pick(
      connected(site).filter((each) => each.type === 'n8n-nodes-base.webhook'),
      site.random,
    )
    if (!node || site.nodes.some((each) => short(each) === 'respondToWebhook')) return undefined
    rawOf(site, node).parameters.responseMode = 'responseNode'
    return at(node, 2, ['respond-node-missing'])
  },
  'respond node unused': (site) => {
    const node = pick(
      connected(site).filter(
        (each) => each.type === 'n8n-nodes-base.webhook' && each.parameters.responseMode === 'responseNode',
      ),
      site.random,
    )
    if (!node || site.nodes.some((each) => short(each) === 'wait')) return undefined
    const responder = site.nodes.find(
      (each) => short(each) === 'respondToWebhook' && reaches(site, node, each),
    )
    if (!responder) return undefined
    rawOf(site, node).parameters.responseMode = 'onReceived'
    return at(node, 2, ['respond-node-unused'], true)
  },
  'code that does not parse': (site) => {
    const node = pick(
      codeNodes(site).filter((each) => typeof each.parameters.jsCode === 'string'),
      site.random,
    )
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    raw.jsCode = pick(
      [
        `${raw.jsCode}\n}`,
        `const a = {;\n${raw.jsCode}`,
        `${raw.jsCode}\nif (`,
        `import x from 'y'\n${raw.jsCode}`,
      ],
      site.random,
    )
    return at(node, 2, ['invalid-code'])
  },
  'code that returns no items': (site) => {
    const node = pick(codeNodes(site), site.random)
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    raw.mode = 'runOnceForAllItems'
    raw.jsCode = pick(
      [
        'const text = $input.first().json.name\nreturn `Hello ${text}`',
        'const items = $input.all()\nconsole.log(items.length)',
        "const out = 'a,b'\nreturn out",
        'return $input.all().length',
        "return ['a', 'b']",
        'return JSON.stringify($input.all())',
        'return $input.all().map((item) => `${item.json.id}`)',
      ],
      site.random,
    )
    return at(node, 2, ['code-returns-no-items'])
  },
  'code that returns a list for one item': (site) => {
    const node = pick(codeNodes(site), site.random)
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    raw.mode = 'runOnceForEachItem'
    raw.jsCode = pick(['return [{ json: { a: 1 } }]', "return 'done'", 'return [$input.item]'], site.random)
    return at(node, 2, ['code-returns-no-items'])
  },
  'code that loads a module': (site) => {
    const node = pick(
      codeNodes(site).filter((each) => typeof each.parameters.jsCode === 'string'),
      site.random,
    )
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    raw.jsCode = `const lib = require('${pick(['axios', 'lodash', 'fs', 'node-fetch', 'moment'], site.random)}')\n${raw.jsCode}`
    return at(node, 2, ['module-not-allowed'])
  },
  'code that refers to a missing node': (site) => {
    const node = pick(
      codeNodes(site).filter((each) => typeof each.parameters.jsCode === 'string'),
      site.random,
    )
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    raw.jsCode = `const before = $('Fetch Customer Record').first().json\n${raw.jsCode}`
    return at(node, 2, ['unknown-node-reference'])
  },
  'input in the wrong mode': (site) => {
    const node = pick(codeNodes(site), site.random)
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    raw.mode = 'runOnceForEachItem'
    raw.jsCode = pick(
      [
        'const all = $input.all()\nreturn all[0]',
        'const first = $input.first().json\nreturn { json: first }',
        'for (const item of items) { item.json.a = 1 }\nreturn { json: {} }',
      ],
      site.random,
    )
    return at(node, 2, ['input-in-wrong-mode'])
  },
  'parameter of the Function node': (site) => {
    const node = pick(
      codeNodes(site).filter((each) => typeof each.parameters.jsCode === 'string'),
      site.random,
    )
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    raw.functionCode = raw.jsCode
    delete raw.jsCode
    return at(node, 2, ['unknown-parameter'], true)
  },
  Python: (site) => {
    const node = pick(
      codeNodes(site).filter((each) => each.version === 2),
      site.random,
    )
    if (!node) return undefined
    rawOf(site, node).parameters = { language: 'python', pythonCode: 'return _input.all()' }
    return at(node, 2, ['python-not-available'])
  },
  'body as an object': (site) => {
    const node = pick(requests(site), site.random)
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    for (const name of ['sendBody', 'specifyBody', 'jsonBody', 'bodyParameters', 'contentType', 'body'])
      delete raw[name]
    raw.method = 'POST'
    raw.body = pick<unknown>([{ a: 1 }, { name: 'x', tags: ['a'] }, { text: '={{ $json.a }}' }], site.random)
    return at(node, 2, ['unknown-parameter', 'parameter-not-used'], true)
  },
  'headers as an object': (site) => {
    const node = pick(requests(site), site.random)
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    for (const name of ['sendHeaders', 'specifyHeaders', 'jsonHeaders', 'headerParameters']) delete raw[name]
    raw.headers = { 'X-Request': 'a' }
    return at(node, 2, ['unknown-parameter'], true)
  },
  'switch not set': (site) => {
    const node = pick(
      requests(site).filter(({ parameters }) =>
        ['sendBody', 'sendHeaders', 'sendQuery'].some((name) => parameters[name] === true),
      ),
      site.random,
    )
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    const name =
      pick(
        ['sendBody', 'sendHeaders', 'sendQuery'].filter((each) => raw[each] === true),
        site.random,
      ) ?? ''
    const parts: Record<string, string[]> = {
      sendBody: ['bodyParameters', 'jsonBody'],
      sendHeaders: ['headerParameters', 'jsonHeaders'],
      sendQuery: ['queryParameters', 'jsonQuery'],
    }
    if (!parts[name]?.some((each) => JSON.stringify(raw[each] ?? '').length > 30)) return undefined
    delete raw[name]
    return at(node, 2, ['parameter-switch-off'], true)
  },
  'body that is no JSON': (site) => {
    const node = pick(requests(site), site.random)
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    for (const name of ['bodyParameters', 'contentType', 'body']) delete raw[name]
    Object.assign(raw, {
      method: 'POST',
      sendBody: true,
      specifyBody: 'json',
      jsonBody: pick(
        [
          "{ 'a': 1 }",
          '{ "a": 1, }',
          '{ a: 1 }',
          '{ "a": "x }',
          '={ "a": "{{ $json.x }}", }',
          '={ "a": {{ $json.x }} "b": 2 }',
        ],
        site.random,
      ),
    })
    return at(node, 2, ['invalid-json'])
  },
  'parameters of Set 2 in Set 3': (site) => {
    const node = pick(
      mainOnly(site).filter((each) => short(each) === 'set' && each.version >= 3),
      site.random,
    )
    if (!node) return undefined
    rawOf(site, node).parameters = {
      values: { string: [{ name: 'a', value: '={{ $json.b }}' }], number: [{ name: 'n', value: 2 }] },
      options: {},
    }
    return at(node, 2, ['parameter-of-other-version'], true)
  },
  'assignments as a list': (site) => {
    const node = pick(
      mainOnly(site).filter((each) => short(each) === 'set' && each.version >= 3.3),
      site.random,
    )
    if (!node) return undefined
    const list = [{ name: 'a', value: 'b' }]
    rawOf(site, node).parameters = {
      assignments: pick<unknown>([list, { a: 'b' }], site.random),
      options: {},
    }
    return at(node, 2, ['wrong-shape'], true)
  },
  'operator as text': (site) => {
    const node = pick(
      mainOnly(site).filter((each) => ['if', 'filter'].includes(short(each)) && each.version >= 2),
      site.random,
    )
    if (!node) return undefined
    const operator = pick(['equals', 'contains', 'gt'], site.random)
    rawOf(site, node).parameters = {
      conditions: { conditions: [{ leftValue: '={{ 1 }}', rightValue: '1', operator }], combinator: 'and' },
      options: {},
    }
    return at(node, 2, ['wrong-shape'], true)
  },
  'conditions of If 1 in If 2': (site) => {
    const node = pick(
      mainOnly(site).filter((each) => ['if', 'filter'].includes(short(each)) && each.version >= 2),
      site.random,
    )
    if (!node) return undefined
    rawOf(site, node).parameters = {
      conditions: {
        string: [
          {
            value1: '={{ $json.a }}',
            operation: pick(['equal', 'notEqual', 'contains', 'isEmpty'], site.random),
            value2: 'b',
          },
        ],
      },
      combineOperation: 'any',
    }
    return at(node, 2, ['parameter-of-other-version'], true)
  },
  'unknown operation in a condition': (site) => {
    const node = pick(
      mainOnly(site).filter(
        (each) =>
          ['if', 'filter'].includes(short(each)) &&
          each.version >= 2 &&
          (each.parameters.conditions as any)?.conditions?.[0]?.operator?.operation,
      ),
      site.random,
    )
    if (!node) return undefined
    rawOf(site, node).parameters.conditions.conditions[0].operator.operation = pick(
      ['equal', 'larger', 'isNotEmpty', 'is', 'greaterThan'],
      site.random,
    )
    return at(node, 2, ['unknown-operator'])
  },
  onError: (site) => {
    const node = pick(mainOnly(site), site.random)
    if (!node) return undefined
    rawOf(site, node).onError = pick(
      ['continue', 'ignore', 'continueOnFail', 'ContinueRegularOutput'],
      site.random,
    )
    return at(node, 2, ['unknown-on-error'])
  },
  'execution order': (site) => {
    site.json.settings = {
      ...site.json.settings,
      executionOrder: pick(['v2', 'parallel', 'sequential'], site.random),
    }
    return { level: 2, codes: ['unknown-execution-order'], fixable: true }
  },
  'time zone': (site) => {
    site.json.settings = {
      ...site.json.settings,
      timezone: pick(['Berlin', 'Europe/Munich', 'GMT+25'], site.random),
    }
    return { level: 2, codes: ['unknown-time-zone'] }
  },
  placeholder: (site) => {
    const text = pick(
      texts(site, (value) => value.length > 3 && !value.includes('{{')).filter(
        ({ holder }) => !Array.isArray(holder),
      ),
      site.random,
    )
    if (!text || text.node.values.displayed(text.key).some((each) => each.type === 'options'))
      return undefined
    if (
      ['id', 'name', 'type', 'mode', 'operation'].includes(text.key) ||
      /systemMessage|content|text|message|prompt/i.test(text.key)
    )
      return undefined
    text.holder[text.key] = pick(
      [
        'YOUR_API_KEY',
        '<your-channel-id>',
        'Bearer YOUR_TOKEN_HERE',
        'REPLACE_WITH_ID',
        'https://your-domain.com/api',
        '[YOUR NAME]',
      ],
      site.random,
    )
    return at(text.node, 2, ['placeholder', 'unknown-option'])
  },
  'fromAI outside a tool': (site) => {
    const text = pick(texts(site, isSimple), site.random)
    if (!text || site.model.outgoing(text.node).some(({ type }) => type !== 'main')) return undefined
    if (
      !['set', 'httpRequest', 'slack', 'gmail', 'telegram', 'googleSheets', 'if', 'switch'].includes(
        short(text.node),
      )
    )
      return undefined
    text.holder[text.key] = "={{ $fromAI('email', 'the address', 'string') }}"
    return at(text.node, 2, ['from-ai-outside-tool'])
  },
  'loop from the wrong output': (site) => {
    const node = pick(
      connected(site).filter((each) => short(each) === 'splitInBatches' && each.version === 3),
      site.random,
    )
    if (!node) return undefined
    const body = site.model
      .outgoing(node)
      .filter(({ output, target }) => output === 1 && reaches(site, target, node))
    const main = site.json.connections[node.name]?.main
    if (body.length === 0 || !main?.[1]) return undefined
    const links = site.model.outgoing(node).filter(({ output }) => output === 0)
    if (links.some(({ target }) => reaches(site, target, node))) return undefined
    site.json.connections[node.name].main = [main[1], main[0] ?? []]
    return at(node, 2, ['loop-wired-to-done'], true)
  },
  'loop that is not closed': (site) => {
    const node = pick(
      connected(site).filter((each) => short(each) === 'splitInBatches' && each.version === 3),
      site.random,
    )
    if (
      !node ||
      !site.model.outgoing(node).some(({ output, target }) => output === 1 && reaches(site, target, node))
    )
      return undefined
    for (const byType of Object.values<any>(site.json.connections)) {
      byType.main = byType.main?.map(
        (slot: any) => slot?.filter((each: any) => each.node !== node.name) ?? slot,
      )
    }
    const first = site.model.incoming(node).find(({ source }) => !reaches(site, node, source))
    if (!first) return undefined
    site.json.connections[first.source.name].main[first.output].push({
      node: node.name,
      type: 'main',
      index: 0,
    })
    return at(node, 2, ['loop-not-closed'])
  },
  'field that does not exist': (site) => {
    const link = pick(
      site.model.links.filter(
        ({ type, source, target }) =>
          type === 'main' &&
          source.type === 'n8n-nodes-base.webhook' &&
          source.facts &&
          short(target) === 'set' &&
          target.version >= 3.3 &&
          site.model.incoming(target).length === 1,
      ),
      site.random,
    )
    if (!link) return undefined
    rawOf(site, link.target).parameters = {
      assignments: { assignments: [{ id: '1', name: 'a', type: 'string', value: '={{ $json.email }}' }] },
      options: {},
    }
    if (site.json.pinData?.[link.source.name]) return undefined
    return at(link.target, 2, ['unknown-field'])
  },
  'memory without a session': (site) => {
    const link = pick(
      site.model.links.filter(
        ({ type, source }) =>
          type === 'ai_memory' && short(source) === 'memoryBufferWindow' && source.version >= 1.2,
      ),
      site.random,
    )
    if (!link) return undefined
    rawOf(site, link.source).parameters = { sessionIdType: 'customKey', sessionKey: '' }
    return at(link.source, 2, ['memory-without-session'])
  },
  'two models': (site) => {
    const link = pick(
      site.model.links.filter(
        ({ type, target }) =>
          type === 'ai_languageModel' &&
          short(target) === 'agent' &&
          target.parameters.needsFallback !== true,
      ),
      site.random,
    )
    if (!link) return undefined
    const copy = structuredClone(rawOf(site, link.source))
    copy.name = 'Second Model'
    copy.id = 'second-model'
    site.json.nodes.push(copy)
    site.json.connections['Second Model'] = {
      ai_languageModel: [[{ node: link.target.name, type: 'ai_languageModel', index: 0 }]],
    }
    return at(link.target, 2, ['too-many-connections'])
  },
  'output parser without its switch': (site) => {
    const link = pick(
      site.model.links.filter(
        ({ type, target }) =>
          type === 'ai_outputParser' &&
          target.parameters.hasOutputParser === true &&
          /agent|chainLlm/.test(target.type),
      ),
      site.random,
    )
    if (!link) return undefined
    delete rawOf(site, link.target).parameters.hasOutputParser
    return at(link.target, 2, ['connection-type-not-available'], true)
  },
  'webhook without a path': (site) => {
    const node = pick(
      connected(site).filter((each) => each.type === 'n8n-nodes-base.webhook'),
      site.random,
    )
    if (!node) return undefined
    delete rawOf(site, node).parameters.path
    delete rawOf(site, node).webhookId
    return at(node, 2, ['webhook-without-path'])
  },
  'generic credential type': (site) => {
    const node = pick(
      requests(site).filter((each) => each.parameters.authentication === 'genericCredentialType'),
      site.random,
    )
    if (!node) return undefined
    rawOf(site, node).parameters.genericAuthType = pick(
      ['bearerAuth', 'headerAuth', 'basicAuth', 'HttpHeaderAuth'],
      site.random,
    )
    return at(node, 2, ['unknown-credential-type'], true)
  },
  'node that nothing reaches': (site) => {
    const node = pick(
      mainOnly(site).filter((each) => !each.facts?.isTrigger && site.model.outgoing(each).length === 0),
      site.random,
    )
    if (!node) return undefined
    for (const byType of Object.values<any>(site.json.connections)) {
      byType.main = byType.main?.map(
        (slot: any) => slot?.filter((each: any) => each.node !== node.name) ?? slot,
      )
    }
    return at(node, 2, ['unreachable-node'])
  },
  'option at the top level': (site) => {
    const found = pick(
      mainOnly(site).flatMap((node) =>
        node.facts &&
        typeof node.parameters.options === 'object' &&
        node.parameters.options !== null &&
        node.values.displayed('options').length === 1
          ? Object.keys(node.parameters.options)
              .filter((name) => !node.facts?.properties.some((each) => each.name === name))
              .map((name) => ({ node, name }))
          : [],
      ),
      site.random,
    )
    if (!found) return undefined
    const raw = rawOf(site, found.node).parameters
    if (raw.options[found.name] === '' || raw.options[found.name] === false) return undefined
    raw[found.name] = raw.options[found.name]
    delete raw.options[found.name]
    return at(found.node, 2, ['misplaced-parameter', 'parameter-of-other-version'], true)
  },
  'option that does not exist': (site) => {
    const node = pick(
      mainOnly(site).filter(
        (each) =>
          each.facts &&
          each.values
            .displayed('options')
            .some((property) => property.type === 'collection' && property.options?.length),
      ),
      site.random,
    )
    if (!node) return undefined
    const raw = rawOf(site, node).parameters
    raw.options = { ...raw.options, retryDelayMs: 500 }
    return at(node, 2, ['unknown-parameter'])
  },
}

function reaches({ model }: Site, from: CheckedNode, to: CheckedNode): boolean {
  const found = new Set([from])
  const open = [from]
  for (let node = open.pop(); node; node = open.pop()) {
    if (node === to) return true
    for (const { target, type } of model.outgoing(node)) {
      if (type !== 'main' || found.has(target)) continue
      found.add(target)
      open.push(target)
    }
  }
  return false
}

/** Undefined if the workflow has no place for this mistake. */
export function plant(
  kind: string,
  workflow: JsonObject,
  facts: FactsOf,
  random: Random,
): Planted | undefined {
  const json = structuredClone(workflow)
  const model = new WorkflowModel(workflow, facts)
  const nodes = model.nodes.filter(
    (node) => node.isEnabled && !node.isSticky && model.named(node.name) === node,
  )
  const planted = plants[kind]?.({ model, json, random, nodes, facts })
  return planted && { ...planted, kind, workflow: json }
}
