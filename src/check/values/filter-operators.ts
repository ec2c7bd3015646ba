/** @module The operations that n8n's filter parameters know, by type. */
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

/** True for a type without a list. */
export function isKnownOperator(type: string, operation: string): boolean {
  const known = operatorsOf(type)
  return known.length === 0 || known.includes(operation)
}
