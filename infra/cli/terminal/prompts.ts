import { confirm, isCancel, multiselect, password, select, text } from '@clack/prompts'
import { type Field, parseField } from '../../project/schema-fields.ts'
import { CancelledError } from './cancelled-error.ts'

/** Prompts go to stderr, so that stdout contains only the result. */
function terminal() {
  return { input: process.stdin, output: process.stderr }
}

/** Returns whether there is a terminal for prompts. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** Prompts for one of several options. */
export async function promptForChoice(
  message: string,
  options: readonly { value: string; label?: string; hint?: string }[],
  initialValue?: string,
): Promise<string> {
  return answered(
    await select({
      message,
      options: [...options],
      ...terminal(),
      ...(initialValue === undefined ? {} : { initialValue }),
    }),
  )
}

/** Prompts for yes or no. Defaults to no. */
export async function promptForConfirmation(message: string): Promise<boolean> {
  return answered(await confirm({ message, initialValue: false, ...terminal() }))
}

/** Prompts for any number of options. */
export async function promptForSelection(
  message: string,
  options: readonly { value: string; hint?: string }[],
  initialValues: string[],
): Promise<string[]> {
  return answered(await multiselect({ message, options: [...options], initialValues, required: false, ...terminal() }))
}

/**
 * Prompts for a field until its value is valid. The value of a secret is not echoed.
 *
 * @param stored the current value, which an empty input keeps
 */
export async function promptForField(field: Field, stored: unknown): Promise<unknown> {
  const { name, description, secret, choices, json } = field
  const message = `${name}: ${description}${json ? ' (as JSON)' : ''}`
  if (choices) {
    const options = choices.map((value) => ({ value }))
    return promptForChoice(message, options, typeof stored === 'string' ? stored : field.fallback)
  }
  const isUnchanged = (value: string | undefined) => stored !== undefined && (value ?? '') === ''
  const validate = (value: string | undefined) => {
    if (isUnchanged(value)) return undefined
    const result = parseField(field, value ?? '')
    return 'problem' in result ? result.problem : undefined
  }
  const input = secret
    ? await password({
        message: isUnchanged('') ? `${message} (press Enter to keep the stored value)` : message,
        validate,
        ...terminal(),
      })
    : await text({ message, validate, ...terminal(), ...initial(stored ?? field.fallback) })
  const value = answered(input) ?? ''
  if (isUnchanged(value)) return stored
  const result = parseField(field, value)
  if ('problem' in result) throw new Error(`${name} passed the prompt although it is invalid: ${result.problem}`)
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
