/** @module The operations that n8n's filter parameters know, by type. */
import { closest } from './closest.ts'

const empty = 'exists notExists empty notEmpty '
const operators: Readonly<Record<string, string>> = {
  string: `${empty}equals notEquals contains notContains startsWith notStartsWith endsWith notEndsWith regex notRegex`,
  number: `${empty}equals notEquals gt lt gte lte`,
  dateTime: `${empty}equals notEquals after before afterOrEquals beforeOrEquals`,
  boolean: `${empty}true false equals notEquals`,
  array: `${empty}contains notContains lengthEquals lengthNotEquals lengthGt lengthLt lengthGte lengthLte`,
  object: empty,
}

export const operatorsOf = (type: string): string[] =>
  Object.hasOwn(operators, type) ? (operators[type] ?? '').trim().split(' ') : []

export const filterTypes = Object.keys(operators)

/** Names of other languages and of earlier versions of the node. */
const aliases: Readonly<Record<string, string>> = {
  eq: 'equals',
  equal: 'equals',
  equalto: 'equals',
  is: 'equals',
  '==': 'equals',
  '===': 'equals',
  '=': 'equals',
  ne: 'notEquals',
  neq: 'notEquals',
  notequal: 'notEquals',
  notequalto: 'notEquals',
  isnot: 'notEquals',
  '!=': 'notEquals',
  '!==': 'notEquals',
  isempty: 'empty',
  isnotempty: 'notEmpty',
  isset: 'exists',
  isnotset: 'notExists',
  '>': 'gt',
  greater: 'gt',
  greaterthan: 'gt',
  larger: 'gt',
  '<': 'lt',
  less: 'lt',
  lessthan: 'lt',
  smaller: 'lt',
  '>=': 'gte',
  greaterequal: 'gte',
  greaterthanorequal: 'gte',
  greaterorequal: 'gte',
  largerequal: 'gte',
  '<=': 'lte',
  lessequal: 'lte',
  lessthanorequal: 'lte',
  lessorequal: 'lte',
  smallerequal: 'lte',
  istrue: 'true',
  isfalse: 'false',
  includes: 'contains',
  doesnotcontain: 'notContains',
  doesnotequal: 'notEquals',
  beginswith: 'startsWith',
  matches: 'regex',
  matchesregex: 'regex',
  isafter: 'after',
  isbefore: 'before',
  integer: 'number',
  int: 'number',
  float: 'number',
  double: 'number',
  date: 'dateTime',
  datetime: 'dateTime',
  time: 'dateTime',
  bool: 'boolean',
  text: 'string',
  list: 'array',
  json: 'object',
}

/** The one of the legal names that another language has a different name for. */
export function aliasOf(given: string, legal: readonly string[]): string | undefined {
  const key = given.toLowerCase().replaceAll(/[ _-]/g, '')
  const meant = Object.hasOwn(aliases, key) ? aliases[key] : undefined
  return meant !== undefined && legal.includes(meant) ? meant : closest(given, legal)
}
