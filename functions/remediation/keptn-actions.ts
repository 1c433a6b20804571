import * as z from 'zod/mini'
import { refusedInput } from '../../shared/errors.ts'
import { name, oneOf, optional, vendorFields, withDescription, word } from '../../shared/fields.ts'
import type { CallEvent } from '../../shared/orchestrators/event/event.ts'
import type { ActionMapping, Category, MappedAction } from '../../shared/providers/category.ts'
import { isRecord } from '../../shared/record.ts'
import { unknownName } from '../../shared/validate.ts'
import { actions } from './actions.ts'

const actionNames = Object.keys(actions) as [keyof typeof actions, ...(keyof typeof actions)[]]

/** The action that an action of a Keptn remediation is mapped to. */
const mapping = z.strictObject({
  action: oneOf(actionNames, 'The action of this category'),
  connection: optional(name('Another connection to use')),
  input: z._default(vendorFields('The input of the action'), {}),
  value: optional(
    word(
      'The input that receives data.action.value, such as state or parameters.version, or ignore. Defaults to parameters for a job, and to the state (on, off, or an object of one flag) for a flag',
    ),
  ),
})
type Mapping = z.output<typeof mapping>

const connection = {
  actions: optional(
    withDescription(
      z.record(z.string().check(z.minLength(1), z.maxLength(255)), mapping),
      'The action for each action of a Keptn remediation',
    ),
  ),
}

/**
 * Maps the actions of a Keptn remediation (`data.action.action`, `data.action.value`) to actions of this category, as the
 * connection defines. The webhook needs no input, and one webhook is enough for all actions.
 */
export const keptnActions: ActionMapping = {
  name: 'run-action',
  summary: "Runs the action that the connection's actions map data.action.action of a remediation to",
  requirement: 'it must be a task event with data.action.action, such as sh.keptn.event.action.triggered',
  connection,
  isConfigured: ({ actions }) => actions !== undefined,

  resolve({ properties }, values, actions) {
    const keptnAction = properties['action']
    if (typeof keptnAction !== 'string' || keptnAction === '') return undefined
    const mappings = (values['actions'] ?? {}) as Record<string, Mapping>
    const found = Object.hasOwn(mappings, keptnAction) ? mappings[keptnAction] : undefined
    if (!found) {
      const reason = unknownName('action', keptnAction, Object.keys(mappings))
      throw refusedInput('data.action.action', `is not in actions of the connection. ${reason}`)
    }
    const { action, connection, input } = found
    return {
      name: keptnAction,
      action,
      connection,
      input: withValue(found, input, valueIn(properties), actions),
    } satisfies MappedAction
  },
}

/** An object of text as Go templates print it: `map[promotion:off zone:a]`. */
const printedMap = /^map\[(?:[^\s:[\]]+:[^\s:[\]]*(?: (?!\])|(?=\])))*\]$/

/** Reads a value of a form: an object, JSON, or an object as webhook-service prints it. */
function valueIn({ value }: CallEvent['properties']): unknown {
  if (typeof value !== 'string') return value
  if (printedMap.test(value)) {
    const pairs = value.slice('map['.length, -1).split(' ').filter(Boolean)
    return Object.fromEntries(pairs.map((pair) => pair.split(':', 2)))
  }
  if (value.startsWith('map['))
    throw refusedInput('data.action.value', 'cannot be parsed. Send its parts separately in the payload')
  try {
    const parsed: unknown = JSON.parse(value)
    return isRecord(parsed) ? parsed : value
  } catch {
    return value
  }
}

function withValue(
  { action, value: path }: Mapping,
  input: Mapping['input'],
  value: unknown,
  actions: Category['actions'],
): Record<string, unknown> {
  if (value === undefined || value === null || value === '' || path === 'ignore') return input
  if (path !== undefined) return setAt(input, path.split('.'), value)
  if (actions[action]?.kind === 'flag') return withState(input, value)
  if (!isRecord(value))
    throw refusedInput('data.action.value', 'cannot be sent. Add value to the mapping of the action')
  return setAt(input, ['parameters'], { ...(isRecord(input['parameters']) ? input['parameters'] : {}), ...value })
}

/** Reads `off`, or `{"promotion": "off"}` as in Keptn's examples. */
function withState(input: Mapping['input'], value: unknown): Record<string, unknown> {
  if (!isRecord(value)) return { ...input, state: value }
  const [[flag, state] = [], ...others] = Object.entries(value)
  if (flag === undefined || others.length > 0)
    throw refusedInput('data.action.value', 'must be one flag with its state')
  if (input['flag'] !== undefined && input['flag'] !== flag)
    throw refusedInput(
      'data.action.value',
      `has the flag ${flag.slice(0, 60)}, but the mapping of the action has another one`,
    )
  return { ...input, flag, state }
}

function setAt(
  input: Record<string, unknown>,
  [first = '', ...rest]: string[],
  value: unknown,
): Record<string, unknown> {
  if (rest.length === 0) return { ...input, [first]: value }
  const nested = input[first]
  return { ...input, [first]: setAt(isRecord(nested) ? nested : {}, rest, value) }
}
