import * as z from 'zod/mini'
import { Failure } from '../../shared/errors.ts'
import { name, oneOf, optional, vendorFields, withDescription, word } from '../../shared/fields.ts'
import type { CallEvent } from '../../shared/orchestrators/keptn/event.ts'
import type { ActionMapping, Category, MappedAction } from '../../shared/providers/category.ts'
import { isRecord } from '../../shared/record.ts'
import { unknownName } from '../../shared/validate.ts'
import { actions } from './actions.ts'

const ours = Object.keys(actions) as [keyof typeof actions, ...(keyof typeof actions)[]]

/** What an action of a Keptn remediation is here. */
const remedy = z.strictObject({
  action: oneOf(ours, 'Which action of this category it is'),
  connection: optional(name('The connection that does it, where it is another than this one')),
  input: z._default(vendorFields('The input of that action'), {}),
  value: optional(
    word(
      'Where in the input data.action.value goes, such as state or parameters.version; ignore for nowhere. Left out: an object goes into parameters of a job; on or off, or an object of one flag, is the state of a flag',
    ),
  ),
})
type Remedy = z.output<typeof remedy>

const connection = {
  actions: optional(
    withDescription(
      z.record(z.string().check(z.minLength(1), z.maxLength(255)), remedy),
      'What each action of Keptn is here',
    ),
  ),
}

/**
 * An action of a Keptn remediation, `data.action.action` with `data.action.value`, is what the connection says that it is: so
 * a remediation needs no input in its webhook, and one webhook does for all of its actions.
 */
export const keptnActions: ActionMapping = {
  name: 'run-action',
  summary: "Runs what the connection's actions name for data.action.action of a remediation",
  requirement: 'it must be a task event with data.action.action, such as sh.keptn.event.action.triggered',
  connection,
  isConfigured: ({ actions }) => actions !== undefined,

  resolve({ properties }, values, actions) {
    const asked = properties['action']
    if (typeof asked !== 'string' || asked === '') return undefined
    const known = (values['actions'] ?? {}) as Record<string, Remedy>
    const found = Object.hasOwn(known, asked) ? known[asked] : undefined
    if (!found) {
      const which = unknownName('action', asked, Object.keys(known))
      throw refused('data.action.action', `is not in actions of the connection. ${which}`)
    }
    const { action, connection, input } = found
    return {
      name: asked,
      action,
      connection,
      input: withValue(found, input, valueIn(properties), actions),
    } satisfies MappedAction
  },
}

/** One object of text, as Go's templates print it: `map[promotion:off zone:a]`. */
const printed = /^map\[(?:[^\s:[\]]+:[^\s:[\]]*(?: (?!\])|(?=\])))*\]$/

/** In a form an object comes by its names, as JSON, or as webhook-service prints it where the payload does not take it apart. */
function valueIn({ value }: CallEvent['properties']): unknown {
  if (typeof value !== 'string') return value
  if (printed.test(value)) {
    const pairs = value.slice('map['.length, -1).split(' ').filter(Boolean)
    return Object.fromEntries(pairs.map((pair) => pair.split(':', 2)))
  }
  if (value.startsWith('map['))
    throw refused('data.action.value', 'can not be told apart as it is printed: name its parts in the payload')
  try {
    const parsed: unknown = JSON.parse(value)
    return isRecord(parsed) ? parsed : value
  } catch {
    return value
  }
}

function withValue(
  { action, value: place }: Remedy,
  input: Remedy['input'],
  value: unknown,
  actions: Category['actions'],
): Record<string, unknown> {
  if (value === undefined || value === null || value === '' || place === 'ignore') return input
  if (place !== undefined) return laidAt(input, place.split('.'), value)
  if (actions[action]?.kind === 'flag') return withState(input, value)
  if (!isRecord(value)) throw refused('data.action.value', 'has no place: add value to the entry of the action')
  return laidAt(input, ['parameters'], { ...(isRecord(input['parameters']) ? input['parameters'] : {}), ...value })
}

/** `off`, or `{"promotion": "off"}` as Keptn's own examples have it. */
function withState(input: Remedy['input'], value: unknown): Record<string, unknown> {
  if (!isRecord(value)) return { ...input, state: value }
  const [[flag, state] = [], ...others] = Object.entries(value)
  if (flag === undefined || others.length > 0) throw refused('data.action.value', 'must be one flag with its state')
  if (input['flag'] !== undefined && input['flag'] !== flag)
    throw refused('data.action.value', `names the flag ${flag.slice(0, 60)}, and the entry of the action another`)
  return { ...input, flag, state }
}

function laidAt(
  input: Record<string, unknown>,
  [first = '', ...rest]: string[],
  value: unknown,
): Record<string, unknown> {
  if (rest.length === 0) return { ...input, [first]: value }
  const below = input[first]
  return { ...input, [first]: laidAt(isRecord(below) ? below : {}, rest, value) }
}

function refused(path: string, message: string): Failure {
  return new Failure('refused', `${path} ${message}`, { errors: [{ path, message }] })
}
