/** @module Checks the parameters of a node against its facts: names, whether n8n reads them, and values. */
import { isContainer, isObject, listOf } from '../../lib/json-object.ts'
import { isExpression, ownValue } from '../../n8n/catalogue/display-options.ts'
import { typeVersion } from '../../n8n/catalogue/required-credentials.ts'
import { convert } from '../../n8n/structure/nodes.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import type { PropertyFacts } from '../facts/node-facts.ts'
import { type CheckedNode, entriesOf } from '../model.ts'
import { patch, pointerAt, replacement, type Report } from '../report.ts'
import { closest } from './closest.ts'
import { isEmpty } from './empty.ts'
import { bestVersion, isOfVersion, knowsParameter, misfits, misfitsAt } from './fit.ts'
import { checkJsonText } from './json-text.ts'
import { locatorFor, takesText } from './locators.ts'
import { convertOldParameters } from './old-parameters.ts'
import { checkFieldLists, checkValue } from './node-values.ts'
import { wrongShape } from './shapes.ts'
import { switchesFor } from './switches.ts'
import { byName } from '../../n8n/catalogue/parameter-scope.ts'
import { isLegal, type ParameterValues } from './parameter-values.ts'
import { aliasOf, filterTypes, operatorsOf } from './filter-operators.ts'

/** Parameters that the editor stores although no description lists them. */
const editorOnly = new Set(['notice', 'curlImport', 'infoBox', 'requestOptions'])

export function checkParameters(
  node: CheckedNode,
  credentialTypes: ReadonlySet<string>,
  report: Report,
): void {
  if (!node.facts) return
  const converted = convertOldParameters(node, report)
  new ParameterChecker(node, credentialTypes, report, converted).check()
}

class ParameterChecker {
  readonly #node: CheckedNode
  readonly #credentialTypes: ReadonlySet<string>
  readonly #report: Report
  readonly #converted: ReadonlySet<string>
  #values: ParameterValues

  constructor(
    node: CheckedNode,
    credentialTypes: ReadonlySet<string>,
    report: Report,
    converted: ReadonlySet<string>,
  ) {
    this.#node = node
    this.#values = node.values
    this.#credentialTypes = credentialTypes
    this.#report = report
    this.#converted = converted
  }

  check(): void {
    const { parameters, version } = this.#node
    const values = this.#withResource()
    if (/^(?:if|filter)$/.test(this.#node.shortType) && parameters.conditions === undefined) {
      this.#filter(undefined, '/parameters/conditions')
    }
    if (values.displayed('genericAuthType').length > 0 && isEmpty(parameters.genericAuthType)) {
      this.#add({
        code: 'unknown-credential-type',
        level: 'error',
        at: '/parameters/genericAuthType',
        message:
          'genericAuthType is not set, so n8n sends the request without authentication. Set it, for example to httpHeaderAuth',
      })
    }
    if (values.displayed('nodeCredentialType').length > 0 && isEmpty(parameters.nodeCredentialType)) {
      this.#add({
        code: 'unknown-credential-type',
        level: 'error',
        at: '/parameters/nodeCredentialType',
        message: 'nodeCredentialType is not set, so the node fails. Set it, for example to slackApi',
      })
    }
    checkFieldLists(this.#node, this.#report)
    // With an unknown operation, or without a version, nothing is certain about the other parameters.
    const isCertain =
      selectors.every((name) => isLegal(name, values)) && typeVersion(this.#node.json) !== undefined
    this.#values = values
    for (const [name, value] of Object.entries(parameters)) {
      if (this.#converted.has(name)) continue
      const at = pointerAt('/parameters', name)
      if (!isCertain && values.displayed(name).length === 0) continue
      if (!knowsParameter(this.#node, name, version)) this.#unknown(name, value, at)
      else {
        const displayed = values.displayed(name)
        if (displayed.length > 0) this.#value(displayed, value, at, values)
        else this.#undisplayed(name, value, at)
      }
    }
  }

  /**
   * The parameters with the resource that they are for, if it is not set. n8n reads the default one, which hides them.
   */
  #withResource(): ParameterValues {
    const { values, nodeType, parameters, version, pointer } = this.#node
    const [property] = values.displayed('resource')
    const standard = property?.default
    if (!nodeType || !property || parameters.resource !== undefined || property.typeOptions?.loadsOptions)
      return values
    const names = byName(values.properties)
    const known = Object.fromEntries(Object.entries(parameters).filter(([name]) => names.has(name)))
    if (misfitsAt(values, known) === 0) return values
    const resources = property.options ?? []
    const [best, another] = resources.filter(
      ({ value }) => misfits(nodeType, { ...known, resource: value }, version) === 0,
    )
    if (!best || another) return values
    const meant = String(best.value)
    this.#add({
      code: 'parameter-switch-off',
      level: 'warning',
      at: '/parameters/resource',
      message: `The node has no resource, so n8n uses ${String(standard)}. Its parameters belong to ${meant}. Set resource`,
      fix: patch(`Set resource to ${meant}`, [
        { op: 'add', path: `${pointer}/parameters/resource`, value: best.value },
      ]),
    })
    return values.with({ resource: best.value })
  }

  #unknown(name: string, value: unknown, at: string): void {
    if (editorOnly.has(name) || isEmpty(value)) return
    const { nodeType, version, type } = this.#node
    const values = this.#values
    const others = (nodeType?.versions ?? []).filter(
      (each) => each !== version && knowsParameter(this.#node, name, each),
    )
    const path = this.#node.pointer + at
    if (Object.hasOwn(nodeFields, name) && nodeFields[name] === typeof value) {
      const isSet = this.#node.json[name] !== undefined
      this.#add({
        code: 'misplaced-parameter',
        level: 'warning',
        at,
        message: `${shown(name)} is a field of the node, not a parameter. n8n ignores it here`,
        fix: isSet
          ? undefined
          : patch('Move it to the node', [
              { op: 'move', from: path, path: pointerAt(this.#node.pointer, name) },
            ]),
      })
      return
    }
    const group = this.#collectionOf(name)
    if (group !== undefined) {
      const below = pointerAt(`${this.#node.pointer}/parameters`, group)
      this.#add({
        code: 'misplaced-parameter',
        level: 'warning',
        at,
        message: `${shown(name)} belongs in ${group}. n8n ignores it here`,
        fix: patch(
          `Move it to ${group}`,
          isObject(values.given(group))
            ? [{ op: 'move', from: path, path: pointerAt(below, name) }]
            : [
                { op: 'remove', path },
                { op: 'add', path: below, value: { [name]: value } },
              ],
        ),
      })
      return
    }
    if (others.length > 0) {
      const which = others.length === 1 ? `typeVersion ${others[0]}` : `typeVersions ${others.join(', ')}`
      this.#add({
        code: 'parameter-of-other-version',
        level: 'warning',
        at,
        message: `${shown(name)} belongs to ${which} of ${type}. n8n ignores it ${version === 0 ? 'without typeVersion' : `in typeVersion ${version}`}`,
        fix: this.#versionFix(),
      })
      return
    }
    const names = new Set(values.properties.map((each) => each.name))
    const unset = [...names].filter(
      (each) =>
        values.given(each) === undefined &&
        values.displayed(each).some((property) => canHave(property, value)),
    )
    const meant = closest(name, unset) ?? this.#requiredFor(name, unset)
    this.#add({
      code: 'unknown-parameter',
      level: 'warning',
      at,
      message: `${type} has no parameter ${shown(name)}. n8n ignores it${meant === undefined ? '' : `. Did you mean ${meant}?`}`,
      fix:
        meant === undefined
          ? undefined
          : patch(`Rename it to ${meant}`, [
              { op: 'move', from: path, path: pointerAt(`${this.#node.pointer}/parameters`, meant) },
            ]),
    })
  }

  /** The one required parameter that is not set, if both names share a word. */
  #requiredFor(name: string, unset: readonly string[]): string | undefined {
    const [found, another] = unset.filter((each) =>
      this.#values.displayed(each).some(({ required, default: preset }) => required && isEmpty(preset)),
    )
    if (found === undefined || another !== undefined) return undefined
    const words = new Set(wordsOf(found))
    return wordsOf(name).some((each) => words.has(each)) ? found : undefined
  }

  /** The version that all parameters are written for. */
  #versionFix(): ReturnType<typeof replacement> {
    const { version, pointer, nodeType, parameters } = this.#node
    if (!nodeType) return undefined
    const better = bestVersion(nodeType, parameters, [version, nodeType.defaultVersion])
    if (better === undefined || better === version || misfits(nodeType, parameters, better) > 0) {
      return undefined
    }
    // One parameter that an earlier version had can be left over.
    if (better < version && misfits(nodeType, parameters, version) < 2) return undefined
    return patch(`Set typeVersion to ${better}`, [
      { op: 'add', path: `${pointer}/typeVersion`, value: better },
    ])
  }

  /** The one displayed collection with an option of this name. */
  #collectionOf(name: string): string | undefined {
    const values = this.#values
    const found = values.properties.filter(
      (each) =>
        each.type === 'collection' &&
        !each.typeOptions?.multipleValues &&
        each.options?.some((option) => option.name === name) &&
        values.isDisplayed(each),
    )
    const [group, another] = found
    return group && !another && ownValue(values.given(group.name), name) === undefined
      ? group.name
      : undefined
  }

  #undisplayed(name: string, value: unknown, at: string): void {
    const values = this.#values
    const candidates = byName(values.properties).get(name) ?? []
    if (isEmpty(value) || candidates.every((each) => isDefault(each, value))) return
    // Reported at the parameter that decides.
    const controlling = candidates.flatMap(({ displayOptions }) => Object.keys(displayOptions?.show ?? {}))
    if (controlling.some((each) => !isLegal(each.replace(/^\//, ''), values))) return
    const switches = switchesFor(candidates, values)
    const conditions = describeConditions(
      candidates.filter((each) => isOfVersion(each, values, this.#node.version)),
      values,
    )
    if (switches) {
      const text = Object.entries(switches)
        .map(([key, wanted]) => `${key} to ${JSON.stringify(wanted)}`)
        .join(' and ')
      const below = `${this.#node.pointer}/parameters`
      this.#add({
        code: 'parameter-switch-off',
        level: 'warning',
        at,
        message: `n8n ignores ${shown(name)} unless you set ${text}`,
        fix: patch(
          `Set ${text}`,
          Object.entries(switches).map(([key, wanted]) => ({
            op: 'add' as const,
            path: pointerAt(below, key),
            value: wanted,
          })),
        ),
      })
      return
    }
    this.#add({
      code: 'parameter-not-used',
      level: isLeftOver(name, controlling, values) ? 'hint' : 'warning',
      at,
      message: `n8n ignores ${shown(name)}${conditions}`,
    })
  }

  #value(properties: readonly PropertyFacts[], value: unknown, at: string, level: ParameterValues): void {
    const [property] = properties
    if (!property || value === null) return
    if (property.displayOptions?.show?.['promptType']?.includes('auto') && !isEmpty(value)) {
      this.#prompt(value, at)
      return
    }
    if (isExpression(value)) {
      if (isLocator(property)) this.#locator(property, value, at)
      else checkValue(this.#node, property, value, at, this.#report)
      return
    }
    if (this.#shape(property, value, at)) return
    checkValue(this.#node, property, value, at, this.#report)
    const { type } = property
    if (property.name === 'fallbackOutput') this.#fallback(value, at)
    if (type === 'options') this.#option(properties, value, at)
    else if (type === 'multiOptions') {
      for (const [index, each] of listOf(value).entries()) {
        if (!isExpression(each)) this.#option(properties, each, pointerAt(at, index))
      }
    } else if (type === 'boolean') this.#boolean(property, value, at)
    else if (isLocator(property)) this.#locator(property, value, at)
    else if (type === 'json' || isJsonByName(property.name))
      checkJsonText(this.#node, property, value, at, this.#report)
    else if (type === 'collection') this.#collection(property, value, at, level)
    else if (type === 'fixedCollection') this.#fixedCollection(property, value, at, level)
    else if (type === 'filter') this.#filter(value, at)
    else if (type === 'credentialsSelect') this.#credentialType(property, value, at)
  }

  /** In this mode, n8n reads the prompt from the input. */
  #prompt(value: unknown, at: string): void {
    if (typeof value !== 'string' || value.includes('chatInput') || value.includes('guardrailsInput')) return
    this.#add({
      code: 'parameter-switch-off',
      level: 'warning',
      at,
      message: 'n8n ignores text unless you set promptType to "define"',
      fix: patch('Set promptType to "define"', [
        { op: 'add', path: `${this.#node.pointer}/parameters/promptType`, value: 'define' },
      ]),
    })
  }

  #shape(property: PropertyFacts, value: unknown, at: string): boolean {
    const wrong = wrongShape(property, value)
    if (!wrong) return false
    this.#add({
      code: 'wrong-shape',
      level: 'warning',
      at,
      message: `${property.name} must be ${wrong.expected}. n8n does not read it in this form`,
      fix:
        wrong.value &&
        replacement('Convert it to the form that n8n reads', this.#node.pointer + at, wrong.value),
    })
    return true
  }

  #option(properties: readonly PropertyFacts[], value: unknown, at: string): void {
    if (!isScalar(value) || value === '') return
    // Reported with the language.
    if (this.#node.shortType === 'code' && value === 'python') return
    if (properties.some((each) => each.typeOptions?.loadsOptions || each.type !== properties[0]?.type)) return
    const legal = properties.flatMap((each) => each.options ?? []).map((each) => each.value)
    if (legal.length === 0 || legal.includes(value) || properties.some((each) => each.default === value))
      return
    const [property] = properties
    const name = property?.name ?? ''
    // n8n's HTTP client accepts methods in lowercase.
    if (this.#node.shortType.startsWith('httpRequest') && /^(request)?method$/i.test(name)) {
      if (legal.includes(String(value).toUpperCase())) return
    }
    const texts = legal.filter((each) => each !== undefined).map(String)
    const short = Object.hasOwn(shortForms, String(value)) ? shortForms[String(value)] : undefined
    const meant =
      short !== undefined && texts.includes(short)
        ? short
        : (closest(
            String(value),
            texts,
            properties.flatMap((each) => each.options ?? []),
          ) ?? (name === 'operation' ? this.#operationFor(String(value), texts) : undefined))
    const isSelector = name === 'resource' || name === 'operation'
    const listed = texts.length <= 12 ? `. Use one of: ${texts.join(', ')}` : ''
    this.#add({
      code: 'unknown-option',
      level: isSelector ? 'error' : 'warning',
      at,
      message: `${shown(JSON.stringify(value))} is not a valid value for ${name}${meant === undefined ? listed : `. Did you mean ${JSON.stringify(meant)}?`}`,
      fix:
        meant === undefined
          ? undefined
          : replacement(
              `Set it to ${JSON.stringify(meant)}`,
              this.#node.pointer + at,
              legal.find((each) => String(each) === meant),
            ),
    })
  }

  /** The one operation that differs only by the name of the resource: send, sendMessage and sendMessages. */
  #operationFor(given: string, legal: readonly string[]): string | undefined {
    const chosen = this.#values.get('resource')
    const resource = typeof chosen === 'string' ? chosen.toLowerCase() : ''
    const verb = (text: string): string => text.toLowerCase().replace(new RegExp(`${resource}s?$`), '')
    if (!/^[a-z]+$/.test(resource) || verb(given) === '') return undefined
    const ofAll = `${verb(given)}all`
    const [found, another] = legal.filter(
      given.endsWith('s') && legal.some((each) => each.toLowerCase() === ofAll)
        ? (each) => each.toLowerCase() === ofAll
        : (each) => verb(each) === verb(given),
    )
    if (found !== undefined) return another === undefined ? found : undefined
    const [, plain = '', noun = ''] = /^([a-z]+)([A-Z][a-z]+)$/.exec(given) ?? []
    if (!countWords.test(noun) && !noun.endsWith('s') && legal.includes(plain)) return plain
    const ending = given.charAt(0).toUpperCase() + given.slice(1)
    const [whole, other] = legal.filter((each) => each.endsWith(ending))
    return other === undefined ? whole : undefined
  }

  /** Of a Switch node: the options depend on its rules. */
  #fallback(value: unknown, at: string): void {
    if (value === 'none' || value === 'extra' || !Number.isNaN(Number(value))) return
    this.#add({
      code: 'unknown-option',
      level: 'warning',
      at,
      message: `${shown(JSON.stringify(value))} is not a valid value for fallbackOutput. Use none, extra or the number of an output`,
      n8n: "Cannot read properties of undefined (reading 'push')",
    })
  }

  #boolean({ name }: PropertyFacts, value: unknown, at: string): void {
    const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
    if (text !== 'true' && text !== 'false') return
    this.#add({
      code: 'boolean-as-text',
      level: 'warning',
      at,
      message: `${name} must be true or false, not text. n8n does not read ${JSON.stringify(value)} as ${text}`,
      fix: replacement(`Set it to ${text}`, this.#node.pointer + at, text === 'true'),
    })
  }

  #locator(property: PropertyFacts, value: unknown, at: string): void {
    if (typeof value === 'string' || typeof value === 'number') {
      if (value === '') return
      const locator = locatorFor(property, value)
      const isHarmless = takesText(this.#node.shortType, value)
      this.#add({
        code: 'locator-as-text',
        level: isHarmless ? 'hint' : 'warning',
        at,
        message: isHarmless
          ? `${property.name} is text. n8n reads it as the ID; its editor stores { "__rl": true, "mode": "…", "value": "…" }`
          : `${property.name} must be an object { "__rl": true, "mode": "…", "value": "…" }, not text`,
        fix: locator && replacement('Wrap it in a resource locator', this.#node.pointer + at, locator),
      })
      return
    }
    const mode = ownValue(value, 'mode')
    const modes =
      property.type === 'workflowSelector' ? ['list', 'id'] : (property.modes ?? []).map((each) => each.name)
    if (typeof mode !== 'string' || isExpression(mode) || modes.length === 0 || modes.includes(mode)) return
    if (isEmpty(ownValue(value, 'value'))) return
    this.#add({
      code: 'unknown-locator-mode',
      level: 'warning',
      at: `${at}/mode`,
      message: `${property.name} has no mode ${shown(JSON.stringify(mode))}. Use one of: ${modes.join(', ')}`,
    })
  }

  #collection(property: PropertyFacts, value: unknown, at: string, level: ParameterValues): void {
    if (Array.isArray(value)) {
      if (property.typeOptions?.multipleValues) {
        for (const [index, each] of value.entries())
          this.#members(property.options, each, pointerAt(at, index), level)
      }
      return
    }
    this.#members(property.options, value, at, level)
  }

  #members(
    options: readonly PropertyFacts[] | undefined,
    value: unknown,
    at: string,
    level: ParameterValues,
  ): void {
    if (!isObject(value) || !options || options.length === 0) return
    const inner = level.within(options, value)
    for (const { name, type } of options) {
      if (type === 'filter' && !Object.hasOwn(value, name)) this.#filter(undefined, pointerAt(at, name))
    }
    for (const [name, each] of Object.entries(value)) {
      const below = pointerAt(at, name)
      const known = byName(options).get(name)
      if (known) {
        const displayed = inner.displayed(name)
        if (displayed.length > 0) this.#value(displayed, each, below, inner)
      } else if (!isEmpty(each)) this.#unknownMember(name, options, value, at)
    }
  }

  #unknownMember(name: string, options: readonly PropertyFacts[], value: object, at: string): void {
    const given = ownValue(value, name)
    const fitting = options
      .filter(
        (each) => ownValue(value, each.name) === undefined && (isExpression(given) || canHave(each, given)),
      )
      .map((each) => each.name)
    const meant = closest(name, [...new Set(fitting)])
    const path = this.#node.pointer + at
    this.#add({
      code: 'unknown-parameter',
      level: 'warning',
      at: pointerAt(at, name),
      message: `n8n has no option ${shown(name)} here and ignores it${meant === undefined ? '' : `. Did you mean ${meant}?`}`,
      fix:
        meant === undefined
          ? undefined
          : patch(`Rename it to ${meant}`, [
              { op: 'move', from: pointerAt(path, name), path: pointerAt(path, meant) },
            ]),
    })
  }

  #fixedCollection(property: PropertyFacts, value: unknown, at: string, level: ParameterValues): void {
    if (!isObject(value) || !property.options) return
    for (const [name, group] of Object.entries(value)) {
      const known = property.options.find((each) => each.name === name)
      if (!known) {
        if (!isEmpty(group)) this.#unknownMember(name, property.options, value, at)
        continue
      }
      const below = pointerAt(at, name)
      if (Array.isArray(group)) {
        for (const [index, each] of group.entries()) {
          this.#members(known.values, each, pointerAt(below, index), level)
        }
      } else this.#members(known.values, group, below, level)
    }
  }

  #filter(value: unknown, at: string): void {
    const combinator = ownValue(value, 'combinator')
    if (typeof combinator === 'string' && combinator !== 'and' && combinator !== 'or') {
      const lower = combinator.toLowerCase()
      this.#add({
        code: 'unknown-option',
        level: 'warning',
        at: `${at}/combinator`,
        message: `${shown(JSON.stringify(combinator))} is not a valid value for combinator. Use one of: and, or`,
        fix:
          lower === 'and' || lower === 'or'
            ? replacement(`Set it to "${lower}"`, `${this.#node.pointer}${at}/combinator`, lower)
            : undefined,
      })
    }
    const conditions = listOf(ownValue(value, 'conditions'))
    for (const [index, condition] of conditions.entries()) {
      const below = pointerAt(at, 'conditions', index)
      const operator = ownValue(condition, 'operator')
      this.#operator(operator, `${below}/operator`)
      const right = ownValue(condition, 'rightValue')
      const isCompared = comparisons.has(String(ownValue(operator, 'operation')))
      const type = String(ownValue(operator, 'type'))
      if ((type !== 'number' && type !== 'boolean') || !isCompared || !isText(right)) continue
      // With loose validation, n8n converts what it can.
      const meant = convert(right, type)
      const isStrict = ownValue(ownValue(value, 'options'), 'typeValidation') === 'strict'
      if (!isStrict && (meant !== undefined || type === 'boolean')) continue
      this.#add({
        code: 'invalid-value',
        level: 'error',
        at: `${below}/rightValue`,
        message: `${shown(JSON.stringify(right))} is not a ${type}, so the node fails. Set rightValue to a ${type}`,
        n8n: isStrict ? `Wrong type: '${right}' is a string but was expecting a ${type}` : undefined,
        fix:
          meant === undefined
            ? undefined
            : replacement(
                `Set it to ${JSON.stringify(meant)}`,
                `${this.#node.pointer}${below}/rightValue`,
                meant,
              ),
      })
    }
    const isFixed = conditions.every(
      (each) => isLiteral(ownValue(each, 'leftValue')) && isLiteral(ownValue(each, 'rightValue')),
    )
    if (isFixed) {
      this.#add({
        code: 'constant-condition',
        level: 'warning',
        at,
        message:
          conditions.length === 0
            ? 'There are no conditions, so every item passes. Add one'
            : 'The condition has no expression, so its result is the same for every item. Set leftValue to one, such as ={{ $json.status }}',
      })
    }
  }

  #operator(operator: unknown, at: string): void {
    if (!isObject(operator)) return
    const { type, operation } = operator
    if ([type, operation].some((each) => isExpression(each) && each.includes('{{'))) return
    const key = typeof type === 'string' && filterTypes.includes(type) ? 'operation' : 'type'
    const given = operator[key]
    const legal = key === 'type' ? filterTypes : operatorsOf(String(type))
    if (typeof given === 'string' && legal.includes(given)) return
    const meant = typeof given === 'string' ? aliasOf(given, legal) : undefined
    const what =
      typeof given === 'string' ? `n8n has no ${key} ${shown(given)}` : `The operator has no ${key}`
    this.#add({
      code: 'unknown-operator',
      level: 'error',
      at,
      message: `${what}${key === 'operation' ? ` for ${shown(String(type))}` : ''}${meant === undefined ? `. Use one of: ${legal.join(', ')}` : `. Did you mean ${meant}?`}`,
      fix:
        meant === undefined
          ? undefined
          : replacement(`Set it to "${meant}"`, `${this.#node.pointer}${at}/${key}`, meant),
    })
  }

  #credentialType({ name }: PropertyFacts, value: unknown, at: string): void {
    if (typeof value !== 'string' || value === '') return
    const isGeneric = name === 'genericAuthType'
    const legal = isGeneric ? genericTypes : this.#credentialTypes
    if (legal.has(value)) return
    const meant = closest(value, legal)
    const effect = isGeneric ? ', so n8n sends the request without authentication' : ' of n8n'
    this.#add({
      code: 'unknown-credential-type',
      level: isGeneric ? 'error' : 'warning',
      at,
      message: `${shown(value)} is not a ${isGeneric ? 'generic' : 'built-in'} credential type${effect}${meant === undefined ? `. Use a type such as ${isGeneric ? 'httpHeaderAuth' : 'slackApi'}` : `. Did you mean ${meant}?`}`,
      fix:
        meant === undefined ? undefined : replacement(`Set it to ${meant}`, this.#node.pointer + at, meant),
    })
  }

  #add(finding: Parameters<Report['add']>[1]): void {
    this.#report.add(this.#node, finding)
  }
}

const wordsOf = (name: string): string[] =>
  name
    .split(/(?=[A-Z])|[_-]/)
    .map((each) => each.toLowerCase())
    .filter((each) => each.length > 3)

/** Fields of a node that change how n8n runs it → their type. */
const nodeFields: Readonly<Record<string, string>> = {
  alwaysOutputData: 'boolean',
  continueOnFail: 'boolean',
  credentials: 'object',
  disabled: 'boolean',
  executeOnce: 'boolean',
  maxTries: 'number',
  onError: 'string',
  retryOnFail: 'boolean',
  waitBetweenTries: 'number',
}

/** Credential types that any HTTP request can use. */
const genericTypes: ReadonlySet<string> = new Set([
  'httpBasicAuth',
  'httpBearerAuth',
  'httpCustomAuth',
  'httpDigestAuth',
  'httpHeaderAuth',
  'httpMultipleHeadersAuth',
  'httpQueryAuth',
  'httpSslAuth',
  'oAuth1Api',
  'oAuth2Api',
])

/** Operations for numbers and booleans that read `rightValue`. */
const comparisons: ReadonlySet<string> = new Set(['equals', 'notEquals', 'gt', 'lt', 'gte', 'lte'])

const isText = (value: unknown): value is string =>
  typeof value === 'string' && isLiteral(value) && value.trim() !== ''

/** Given, and the same for every item. */
const isLiteral = (value: unknown): boolean =>
  typeof value === 'string' ? !/^[=$]|\{\{/.test(value) : !isContainer(value)

/** After a verb, these change what an operation does. */
const countWords = /^(?:All|Many|Multiple|Bulk|Or|And|By|If)?$/

const shortForms: Readonly<Record<string, string>> = {
  asc: 'ascending',
  desc: 'descending',
  cron: 'cronExpression',
}

const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value)

const selectors = ['resource', 'operation']

/** Whether a renamed parameter keeps its meaning. */
function canHave(property: PropertyFacts, value: unknown): boolean {
  const isStructured = [
    'collection',
    'fixedCollection',
    'filter',
    'assignmentCollection',
    'resourceMapper',
  ].includes(property.type ?? '')
  if (isStructured) return isContainer(value) && !wrongShape(property, value)
  if (property.type === 'boolean') return typeof value === 'boolean'
  return (
    !isContainer(value) ||
    property.type === 'multiOptions' ||
    property.type === 'json' ||
    property.type === 'resourceLocator'
  )
}

/** Text that the node parses. */
export const isJsonByName = (name: string): boolean =>
  /^(?:blocksUi|blocksJson|filterJson|variablesJson|customFieldsJson|queryParametersJson)$/.test(name)

const isLocator = ({ type }: PropertyFacts): boolean =>
  type === 'resourceLocator' || type === 'workflowSelector'

/** What remains of a choice that was changed: the type of an unused credential, or the values of a switch that is off. */
const isLeftOver = (name: string, controlling: readonly string[], values: ParameterValues): boolean =>
  name === 'genericAuthType' ||
  name === 'nodeCredentialType' ||
  controlling.some((each) => values.given(each.replace(/^\//, '')) === false)

const isDefault = ({ default: preset }: PropertyFacts, value: unknown): boolean =>
  preset === value || (isContainer(value) && JSON.stringify(preset) === JSON.stringify(value))

/** Such as: unless resource is message. Of several parameters, the one that n8n is closest to reading. */
function describeConditions(candidates: readonly PropertyFacts[], values: ParameterValues): string {
  const failing = candidates
    .map(({ displayOptions }) =>
      entriesOf(displayOptions?.show).filter(
        ([name, legal]) =>
          !name.startsWith('@') && !listOf(legal).includes(values.get(name.replace(/^\//, ''))),
      ),
    )
    .toSorted((a, b) => a.length - b.length)
  const [name, legal] = failing.find((each) => each.length > 0)?.[0] ?? []
  const texts = listOf(legal).filter(isScalar).map(String)
  if (name === undefined || texts.length === 0) return ' here'
  const shownTexts = texts.length > 4 ? [...texts.slice(0, 4), '…'] : texts
  return ` unless ${name} is ${shownTexts.join(' or ')}`
}
