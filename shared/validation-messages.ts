import type * as z from 'zod/mini'

type Issue = Parameters<z.core.$ZodErrorMap>[0]

/**
 * Says what a value must be, as the predicate of a sentence that begins with the field: `must be at most 255 characters (it has
 * 312)`. The library's own messages name types that a caller does not know. Shows no value: it may be a credential.
 */
export function issueMessage(issue: Issue): string {
  const { input } = issue
  if (issue.code !== 'custom' && input === undefined) return 'is required'
  switch (issue.code) {
    case 'invalid_type':
      return typeMessage(isWhole(issue.inst) ? 'int' : issue.expected, input)
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

/** Types as people know them, with the JavaScript types that mean the same. */
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

/** Text that should be a whole number has the issue of a number that need not be whole. */
function isWhole(schema: Issue['inst']): boolean {
  return (schema?._zod.def as { format?: string } | undefined)?.format === 'safeint'
}

function typeMessage(expected: string, input: unknown): string {
  const given = input === null ? 'null' : Array.isArray(input) ? 'array' : typeof input
  const isObvious = given === 'number' || named(given) === named(expected)
  return `must be ${named(expected)}${isObvious ? '' : `, not ${named(given)}`}`
}

/** What the sizes of a type count. */
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

/** The message of the alternative that the value was meant as, or of all alternatives if it has the type of none. */
function unionMessage(alternatives: readonly (readonly z.core.$ZodIssue[])[]): string {
  const isOfType = (issues: readonly z.core.$ZodIssue[]) =>
    !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0)
  const [meant] = alternatives.find(isOfType) ?? []
  if (meant) return meant.path.length > 0 ? `has ${meant.path.join('.')}, which ${meant.message}` : meant.message
  const types = alternatives.map(([issue]) => issue?.message.replace(/^must be /, '').split(', not ')[0] ?? '')
  return types.length > 0 ? `must be ${[...new Set(types)].join(' or ')}` : 'is not valid'
}
