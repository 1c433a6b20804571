import type * as z from 'zod/mini'

type Issue = Parameters<z.core.$ZodErrorMap>[0]

/**
 * Returns the rest of a sentence that starts with the field: `must be at most 255 characters (it has 312)`. Never contains the
 * value, which may be a credential.
 */
export function issueMessage(issue: Issue): string {
  const { input } = issue
  if (issue.code !== 'custom' && input === undefined) return 'is required'
  switch (issue.code) {
    case 'invalid_type':
      return typeMessage(isInteger(issue.inst) ? 'int' : issue.expected, input)
    case 'invalid_value': {
      const values = issue.values.map((value) => JSON.stringify(value))
      return `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`
    }
    case 'too_big':
      return sizeMessage(issue, 'most', issue.maximum, input)
    case 'too_small':
      return issue.minimum === 1 && issue.origin in UNITS && !issue.exact
        ? 'must not be empty'
        : sizeMessage(issue, 'least', issue.minimum)
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_format':
      return formatMessage(issue)
    case 'unrecognized_keys':
      return `has unknown fields: ${issue.keys.join(', ')}`
    case 'invalid_union':
      return unionMessage(issue.errors)
    case 'invalid_key':
      return `has a name that is not valid: it ${issue.issues[0]?.message}`
    default:
      return 'is not valid'
  }
}

/** Plain names of types. */
const TYPES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

function named(type: string): string {
  return TYPES[type] ?? `of type ${type}`
}

/** Returns whether a schema requires an integer. The issue of a text that should be an integer does not contain that. */
function isInteger(schema: Issue['inst']): boolean {
  return (schema?._zod.def as { format?: string } | undefined)?.format === 'safeint'
}

function typeMessage(expected: string, input: unknown): string {
  const type = input === null ? 'null' : Array.isArray(input) ? 'array' : typeof input
  const isObvious = type === 'number' || named(type) === named(expected)
  return `must be ${named(expected)}${isObvious ? '' : `, not ${named(type)}`}`
}

/** Units of size by type. */
const UNITS: Record<string, string> = { string: 'characters', array: 'items' }

type Sized = Extract<Issue, { code: 'too_big' | 'too_small' }>

function sizeMessage(issue: Sized, bound: 'most' | 'least', limit: number | bigint, input?: unknown): string {
  const { origin, exact, inclusive } = issue
  const unit = UNITS[origin]
  const verb = origin === 'array' ? 'must have' : 'must be'
  if (unit === undefined) {
    if (inclusive !== false) return `must be at ${bound} ${limit}`
    return `must be ${bound === 'most' ? 'less' : 'more'} than ${limit}`
  }
  const { length } = (input ?? {}) as { length?: number }
  const actual = length === undefined ? '' : ` (it has ${length})`
  return `${verb} ${exact ? 'exactly' : `at ${bound}`} ${limit} ${unit}${actual}`
}

function formatMessage({ format, pattern }: Extract<Issue, { code: 'invalid_format' }>): string {
  if (format === 'url') return 'must be a URL that starts with http:// or https://'
  return pattern === undefined || format !== 'regex' ? `must be a valid ${format}` : `must match ${pattern}`
}

/** Returns the message of the first alternative with the type of the value, or the types of all alternatives. */
function unionMessage(alternatives: readonly (readonly z.core.$ZodIssue[])[]): string {
  const isOfType = (issues: readonly z.core.$ZodIssue[]) =>
    !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0)
  const [meant] = alternatives.find(isOfType) ?? []
  if (meant) return meant.path.length > 0 ? `has ${meant.path.join('.')}, which ${meant.message}` : meant.message
  const types = alternatives.map(([issue]) => issue?.message.replace(/^must be /, '').split(', not ')[0] ?? '')
  return types.length > 0 ? `must be ${[...new Set(types)].join(' or ')}` : 'is not valid'
}
