import type { FieldError } from '../errors.ts'
import { isRecord } from '../record.ts'
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

/**
 * Reads the arguments of a tool that calls an action.
 *
 * @param options.needsKey the action writes, so the call needs a name
 * @returns the errors that the model can correct, if there are any
 */
export function readArguments(
  sent: JsonObject,
  { needsKey, names }: { needsKey: boolean; names: readonly string[] },
): CallArguments | { errors: FieldError[] } {
  const errors: FieldError[] = Object.keys(sent)
    .filter((name) => !names.includes(name))
    .map((name) => ({ path: name.slice(0, 60), message: `is unknown. Known: ${names.join(', ')}` }))
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
  if (key !== undefined && !/^[\x21-\x7e]{1,128}$/.test(key))
    errors.push({ path: 'key', message: 'must be up to 128 characters without spaces' })
  const wait = readWait(sent['wait'], errors)
  const options = { connection: text('connection'), deadline: text('deadline'), key, wait, body }
  return errors.length > 0 ? { errors } : options
}

/** Reads how long to hold a request, in seconds. */
export function readWait(value: unknown, errors: FieldError[], byDefault = DEFAULT_WAIT_SECONDS): number {
  const wait = value ?? byDefault
  if (typeof wait === 'number' && Number.isInteger(wait) && wait >= 0 && wait <= MAX_WAIT_SECONDS) return wait
  errors.push({ path: 'wait', message: `must be 0 to ${MAX_WAIT_SECONDS} seconds` })
  return byDefault
}
