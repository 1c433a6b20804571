import type { FieldError } from '../errors.ts'
import { isRecord } from '../record.ts'
import { unknownField } from '../validate.ts'
import type { JsonObject } from './server.ts'

/** The arguments of a call. The webhook checks those that it gets. */
export interface CallArguments {
  connection: string | undefined
  key: string | undefined
  deadline: string | undefined
  /** In seconds. */
  wait: number
  /** The body of the call. */
  body: JsonObject
}

/** How long a call is held. It occupies two functions. */
const DEFAULT_WAIT_SECONDS = 5
export const MAX_WAIT_SECONDS = 20
/** Printable characters of ASCII without spaces. */
export const KEY_PATTERN = '^[!-~]{1,128}$'

/**
 * Reads the arguments of a tool that calls an action.
 *
 * @param options.needsKey the action writes, so the call needs a name
 * @param options.schema of the arguments
 * @returns the errors that the model can correct, if there are any
 */
export function readArguments(
  sent: JsonObject,
  { needsKey, schema }: { needsKey: boolean; schema: JsonObject },
): CallArguments | { errors: FieldError[] } {
  const known = propertiesOf(schema)
  const errors: FieldError[] = Object.keys(sent)
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) => ({ path: name.slice(0, 60), message: misplaced(name, known) }))
  const text = (name: string) => {
    const value = sent[name] ?? undefined
    if (value === undefined || typeof value === 'string') return value || undefined
    errors.push({ path: name, message: 'must be a text' })
    return undefined
  }
  const object = (name: string) => {
    const value = sent[name] ?? undefined
    if (value !== undefined && !isRecord(value)) errors.push({ path: name, message: 'must be an object' })
    return value
  }
  const body = { input: object('input'), data: object('data') }
  const key = text('key')
  if (needsKey && key === undefined)
    errors.push({
      path: 'key',
      message: 'is required: a name for this one call, such as incident-4711-rollback. Repeat a call with the same key',
    })
  if (key !== undefined && !new RegExp(KEY_PATTERN).test(key))
    errors.push({ path: 'key', message: 'must be up to 128 characters without spaces' })
  const wait = readWait(sent['wait'], errors)
  const options = { connection: text('connection'), deadline: text('deadline'), key, wait, body }
  return errors.length > 0 ? { errors } : options
}

/** Says where an argument belongs: most clients flatten what they send. */
function misplaced(name: string, known: JsonObject): string {
  const holder = ['input', 'data'].find((field) => Object.hasOwn(propertiesOf(known[field]), name))
  return holder === undefined
    ? unknownField(name, Object.keys(known))
    : `belongs into ${holder}: {"${holder}": {"${name}": ..}}`
}

function propertiesOf(schema: unknown): JsonObject {
  return isRecord(schema) && isRecord(schema['properties']) ? schema['properties'] : {}
}

/** Reads how long to hold a request, in seconds. */
export function readWait(value: unknown, errors: FieldError[]): number {
  const wait = value ?? DEFAULT_WAIT_SECONDS
  if (typeof wait === 'number' && Number.isInteger(wait) && wait >= 0 && wait <= MAX_WAIT_SECONDS) return wait
  errors.push({ path: 'wait', message: `must be 0 to ${MAX_WAIT_SECONDS} seconds` })
  return 0
}
