/** @module Parameters of earlier versions of Switch, Merge, Google Sheets and Slack → those of the current one. */
import { isContainer, isObject, type JsonObject, listOf } from '../../lib/json-object.ts'
import { isExpression, ownValue } from '../../n8n/catalogue/display-options.ts'
import type { CheckedNode } from '../model.ts'
import { isEmpty } from './empty.ts'
import { aliasOf, operatorsOf } from './filter-operators.ts'
import type { Conversion } from './old-parameters.ts'

const presets: Readonly<Record<string, string>> = {
  string: 'equal',
  number: 'smaller',
  boolean: 'equal',
  dateTime: 'after',
}

export const conditionOptions = (version: number): JsonObject => ({
  caseSensitive: true,
  leftValue: '',
  typeValidation: 'loose',
  version,
})

/** A condition of version 1 of If, Filter or Switch. Undefined if its operation is unknown. */
export function conditionOf(
  type: string,
  leftValue: unknown,
  { operation: given = presets[type], value2 = type === 'boolean' ? false : '' }: JsonObject,
  index: number,
): JsonObject | undefined {
  if (!Object.hasOwn(presets, type) || typeof given !== 'string') return undefined
  const operation = aliasOf(given, operatorsOf(type))
  if (operation === undefined) return undefined
  const isSingle = operation === 'empty' || operation === 'notEmpty'
  return {
    id: `condition-${index + 1}`,
    leftValue,
    rightValue: value2,
    operator: { type, operation, ...(isSingle && { singleValue: true }) },
  }
}

const renamed = (
  name: string,
  version: number,
  use: string,
): Pick<Conversion, 'code' | 'message' | 'label'> => ({
  code: 'parameter-of-other-version',
  message: `${name} belongs to an earlier version of this node. n8n ignores it in typeVersion ${version}. Use ${use}`,
  label: `Convert it to ${use}`,
})

export function* switchConversions({ parameters, version }: CheckedNode): Generator<Conversion> {
  const { rules, dataType = 'number', value1 = '', fallbackOutput, outputsAmount, options } = parameters
  if (outputsAmount !== undefined) {
    const set = { numberOutputs: outputsAmount }
    yield { names: ['outputsAmount'], ...renamed('outputsAmount', version, 'numberOutputs'), set }
  }
  const old = listOf(ownValue(rules, 'rules'))
  if (old.length === 0 || typeof dataType !== 'string' || !old.every(isObject)) return
  if (old.some((each) => 'conditions' in each)) return
  const values = old.flatMap((each, index) => {
    const condition = conditionOf(dataType, value1, each, 0)
    // The output of a rule is its position.
    if (!condition || (each.output ?? index) !== index) return []
    const { outputKey } = each
    const isNamed = typeof outputKey === 'string' && outputKey !== ''
    return [
      {
        conditions: {
          options: conditionOptions(version >= 3.2 ? 2 : 1),
          conditions: [condition],
          combinator: 'and',
        },
        ...(isNamed && { renameOutput: true, outputKey }),
      },
    ]
  })
  if (values.length < old.length) return
  const fallback = Number(fallbackOutput ?? -1)
  if (!(fallback >= -1 && fallback <= old.length)) return
  const chosen = fallback === old.length ? 'extra' : fallback
  yield {
    names: ['rules', 'dataType', 'value1', 'fallbackOutput'],
    ...renamed('rules.rules', version, 'rules.values'),
    set: {
      rules: { values },
      ...(fallback >= 0 && { options: { ...(isObject(options) && options), fallbackOutput: chosen } }),
    },
  }
}

/** Mode of another version, or a value of another parameter → the parameters of version 3. */
const mergeModes: Readonly<Record<string, JsonObject>> = {
  mergeByIndex: { mode: 'combine', combineBy: 'combineByPosition' },
  mergeByPosition: { mode: 'combine', combineBy: 'combineByPosition' },
  combineByPosition: { mode: 'combine', combineBy: 'combineByPosition' },
  multiplex: { mode: 'combine', combineBy: 'combineAll' },
  combineAll: { mode: 'combine', combineBy: 'combineAll' },
  mergeByKey: { mode: 'combine', combineBy: 'combineByFields' },
  mergeByFields: { mode: 'combine', combineBy: 'combineByFields' },
  combineByFields: { mode: 'combine', combineBy: 'combineByFields' },
  passThrough: { mode: 'chooseBranch' },
  wait: { mode: 'chooseBranch' },
}

export function* mergeConversions({ parameters, version }: CheckedNode): Generator<Conversion> {
  const { mode, combinationMode, combineBy, propertyName1, propertyName2, advanced, mergeByFields } =
    parameters
  const name = combinationMode !== undefined && combineBy === undefined ? 'combinationMode' : 'mode'
  const given = parameters[name]
  const found = typeof given === 'string' && Object.hasOwn(mergeModes, given) ? mergeModes[given] : undefined
  if (!found || typeof given !== 'string' || (name === 'combinationMode' && mode !== 'combine')) return
  const isByFields = found.combineBy === 'combineByFields'
  const pair = !isEmpty(propertyName1) && !isEmpty(propertyName2)
  const hasPairs = isByFields && !isEmpty(mergeByFields) && advanced === undefined
  yield {
    names: [name, ...(pair ? ['propertyName1', 'propertyName2'] : [])],
    ...renamed(`${name} ${given}`, version, Object.values(found).join(' with ')),
    set: {
      ...found,
      ...(isByFields &&
        pair && {
          advanced: true,
          mergeByFields: { values: [{ field1: propertyName1, field2: propertyName2 }] },
        }),
      ...(hasPairs && { advanced: true }),
    },
  }
}

export function* sheetsConversions({ parameters, version, values }: CheckedNode): Generator<Conversion> {
  const { fieldsUi, dataMode, columnToMatchOn, valueToMatchOn, columns, sheetId, range } = parameters
  const fields = listOf(ownValue(fieldsUi, 'fieldValues') ?? ownValue(fieldsUi, 'values'))
  if (
    isEmpty(columns) &&
    values.displayed('columns').length > 0 &&
    (fields.length > 0 || !isEmpty(dataMode))
  ) {
    const matched =
      typeof columnToMatchOn === 'string' && columnToMatchOn !== '' ? columnToMatchOn : undefined
    const pairs = fields.map((each) => [
      ownValue(each, 'fieldId') ?? ownValue(each, 'column'),
      ownValue(each, 'fieldValue'),
    ])
    const isAuto = dataMode === 'autoMapInputData'
    if (pairs.every(([name, value]) => typeof name === 'string' && value !== undefined)) {
      yield {
        names: ['fieldsUi', 'dataMode', 'columnToMatchOn', 'valueToMatchOn'].filter(
          (name) => parameters[name] !== undefined,
        ),
        ...renamed(fields.length > 0 ? 'fieldsUi' : 'dataMode', version, 'columns'),
        set: {
          columns: {
            mappingMode: isAuto ? 'autoMapInputData' : 'defineBelow',
            value: {
              ...(matched !== undefined && valueToMatchOn !== undefined && { [matched]: valueToMatchOn }),
              ...Object.fromEntries(pairs as [string, unknown][]),
            },
            matchingColumns: matched === undefined ? [] : [matched],
            schema: [],
          },
        },
      }
    }
  }
  const { documentId, sheetName } = parameters
  if (typeof sheetId !== 'string' || sheetId === '' || !isEmpty(documentId)) return
  const [, sheet] = (typeof range === 'string' && !isExpression(range) && /^'?([^'!]+)'?!/.exec(range)) || []
  const hasSheet = sheet !== undefined && isEmpty(sheetName)
  // Only whole columns: other ranges have no equivalent.
  const isWhole = hasSheet && /![A-Z]*:?[A-Z]*$/.test(String(range))
  yield {
    names: ['sheetId', ...(isWhole ? ['range'] : [])],
    ...renamed('sheetId', version, isWhole ? 'documentId and sheetName' : 'documentId'),
    set: {
      documentId: { __rl: true, mode: /^https?:/.test(sheetId) ? 'url' : 'id', value: sheetId },
      ...(hasSheet && { sheetName: { __rl: true, mode: 'name', value: sheet } }),
    },
  }
}

export function* slackConversions({ parameters, version, values }: CheckedNode): Generator<Conversion> {
  const { channel, channelId, select } = parameters
  if (typeof channel !== 'string' || channel === '' || channelId !== undefined || channel.startsWith('@'))
    return
  const isPost = values.displayed('select').length > 0
  if (isContainer(select) || (select !== undefined && select !== 'channel')) return
  if (!isPost && values.displayed('channelId').length === 0) return
  const mode = isExpression(channel) || /^[CGD][A-Z0-9]{5,}$/.test(channel) ? 'id' : 'name'
  yield {
    names: ['channel'],
    ...renamed('channel', version, 'channelId'),
    set: {
      ...(isPost && { select: 'channel' }),
      channelId: { __rl: true, mode, value: channel },
    },
  }
}
