import { confirm, isCancel, multiselect, password, select, text } from '@clack/prompts'
import { type Field, read } from './fields.ts'

/** Ctrl-C at a question: nothing was stored. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError'
  constructor() {
    super('Nothing was stored.')
  }
}

/** Questions go to stderr, so that stdout holds the result alone. */
const output = process.stderr

/** Whether somebody is there to answer. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** One of a few. */
export async function askChoice(
  message: string,
  options: readonly { value: string; label?: string; hint?: string }[],
  initialValue?: string,
): Promise<string> {
  return answered(
    await select({ message, options: [...options], output, ...(initialValue === undefined ? {} : { initialValue }) }),
  )
}

/** Yes or no; no unless the answer is yes. */
export async function askYes(message: string): Promise<boolean> {
  return answered(await confirm({ message, initialValue: false, output }))
}

/** Some of many, or none. */
export async function askSome(
  message: string,
  options: readonly { value: string; hint?: string }[],
  initialValues: string[],
): Promise<string[]> {
  return answered(await multiselect({ message, options: [...options], initialValues, required: false, output }))
}

/**
 * Asks for a field until what is written is valid. A secret is not shown while it is typed.
 *
 * @param present what it is now; an empty answer keeps it
 */
export async function askField(field: Field, present: unknown): Promise<unknown> {
  const { name, about, secret, choices, json } = field
  const message = `${name}: ${about}${json ? ' (as JSON)' : ''}`
  if (choices) {
    const options = choices.map((value) => ({ value }))
    return askChoice(message, options, typeof present === 'string' ? present : field.fallback)
  }
  const keeps = (value: string | undefined) => present !== undefined && (value ?? '') === ''
  const validate = (value: string | undefined) => {
    if (keeps(value)) return undefined
    const result = read(field, value ?? '')
    return 'wrong' in result ? result.wrong : undefined
  }
  const asked = secret
    ? await password({ message: keeps('') ? `${message} (Enter keeps what is stored)` : message, validate, output })
    : await text({ message, validate, output, ...initial(present ?? field.fallback) })
  const answer = answered(asked) ?? ''
  if (keeps(answer)) return present
  const result = read(field, answer)
  if ('wrong' in result) throw new Error(`${name} was taken and is not valid: ${result.wrong}`)
  return result.value
}

function initial(value: unknown): { initialValue?: string } {
  if (value === undefined) return {}
  if (Array.isArray(value) && value.every((part) => typeof part === 'string')) return { initialValue: value.join(', ') }
  return { initialValue: typeof value === 'string' ? value : JSON.stringify(value) }
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new CancelledError()
  return answer as Exclude<T, symbol>
}
