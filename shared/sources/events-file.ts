import * as z from 'zod/mini'
import { Failure, type FieldError } from '../errors.ts'
import { optional, withDescription } from '../fields.ts'
import { isRecord } from '../record.ts'
import { unknownName, validate } from '../validate.ts'
import { type SourceTypeName, sourceTypeNames } from './load-source-type.ts'
import { type AlertRule, alertRuleSchema, eventExpression, findRuleErrors, parseRule } from './rules.ts'

/** Load this module only to read the file. Functions get it compiled. */

const name = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must have 1 to 63 lower-case letters, digits and -'))
const connection = z
  .string()
  .check(z.regex(/^[a-z0-9-]+\/[a-z0-9][a-z0-9_-]{0,62}$/, 'must be <category>/<connection>, such as ci-cd/default'))
const wakes = z._default(
  withDescription(
    z.array(connection).check(z.maxLength(100)),
    'The connections whose jobs it wakes, as <category>/<connection>, such as ci-cd/default',
  ),
  [],
)
const source = z.strictObject({
  type: z.enum(sourceTypeNames.filter((type) => type !== 'http' && type !== 'eventbridge')),
  wakes,
})
const eventbridgeSource = z.strictObject({
  type: z.literal('eventbridge'),
  wakes,
  patterns: withDescription(
    optional(z.array(z.record(z.string(), z.json())).check(z.maxLength(20))),
    'Events for rules, as patterns of EventBridge, such as {source: [aws.cloudwatch], detail-type: [CloudWatch Alarm State Change]}',
  ),
})
const httpSource = z.strictObject({
  type: z.literal('http'),
  wakes,
  run: withDescription(optional(eventExpression), 'JMESPath over the body: the id of the run, such as data.id'),
  ended: withDescription(
    optional(eventExpression),
    "JMESPath over the body: whether the run has ended, such as status == 'done'",
  ),
})

/** The contents of `events.yaml`, as editors check them. `parseEventsFile` checks each source by its type: better errors. */
export const eventsFileSchema = fileOf(z.union([source, eventbridgeSource, httpSource]), alertRuleSchema)
const file = fileOf(z.unknown(), z.unknown())

function fileOf<S extends z.ZodMiniType, R extends z.ZodMiniType>(declared: S, rule: R) {
  const sources = withDescription(z.record(name, declared), 'The platforms that notify us, by name')
  const rules = withDescription(z.array(rule), 'The actions that alerts call')
  return z.strictObject({ sources: z._default(sources, {}), rules: z._default(rules, []) })
}

/** A platform that sends notifications. */
type Source = Omit<z.output<typeof httpSource>, 'type'> &
  Pick<z.output<typeof eventbridgeSource>, 'patterns'> & { type: SourceTypeName }
/** The contents of `events.yaml`. */
export interface EventsFile {
  sources: Record<string, Source>
  rules?: AlertRule[]
}

/**
 * Checks what was loaded from `events.yaml`.
 *
 * @param loaded undefined or null for an empty file
 * @param categories the names of all categories
 * @throws Failure `invalid` with every error
 */
export function parseEventsFile(loaded: unknown, categories: readonly string[]): EventsFile {
  if (!isRecord(loaded ?? {})) throw new Failure('invalid', 'events.yaml must be an object, such as {"sources": {..}}.')
  const { sources, rules } = validate(file, loaded ?? {}, { what: 'events.yaml' })
  const errors: FieldError[] = []
  const collect = <T>(parse: () => T): T[] => {
    try {
      return [parse()]
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      errors.push(...(error.errors ?? []))
      return []
    }
  }
  const parsed = Object.fromEntries(
    Object.entries(sources).flatMap(([name, declared]) =>
      collect((): [string, Source] => [name, parseSource(`sources.${name}`, declared, categories)]),
    ),
  )
  const parsedRules = rules.flatMap((rule, index) => collect(() => parseRule(`rules.${index}`, rule)))
  if (errors.length === 0) errors.push(...findRuleErrors(parsedRules, parsed))
  if (errors.length === 0)
    return parsedRules.length === 0 ? { sources: parsed } : { sources: parsed, rules: parsedRules }
  const texts = errors.map(({ path, message }) => `${path} ${message}`)
  throw new Failure('invalid', `events.yaml is not valid: ${texts.join('; ')}`, { errors })
}

/** @throws Failure `invalid` */
function parseSource(path: string, declared: unknown, categories: readonly string[]): Source {
  const type = isRecord(declared) ? declared['type'] : undefined
  if (isRecord(declared) && type === undefined)
    throw invalid(`${path}.type`, `is required: the type of the sender. Types: ${sourceTypeNames.join(', ')}.`)
  if (typeof type === 'string' && !sourceTypeNames.includes(type as SourceTypeName))
    throw invalid(`${path}.type`, `is not a type of source. ${unknownName('type', type, sourceTypeNames)}`)
  const schema = type === 'http' ? httpSource : type === 'eventbridge' ? eventbridgeSource : source
  const parsed: Source = validate(schema, declared, { what: 'events.yaml', root: path })
  for (const [index, connection] of parsed.wakes.entries()) {
    const [category = ''] = connection.split('/')
    if (!categories.includes(category))
      throw invalid(
        `${path}.wakes.${index}`,
        `must start with a category. ${unknownName('category', category, categories)}`,
      )
  }
  return parsed
}

function invalid(path: string, message: string): Failure {
  return new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
}
