import { type Command, InvalidArgumentError } from 'commander'
import * as z from 'zod/mini'
import { Failure, toSentence } from '../../../shared/errors.ts'
import { secretsIn, unwrap } from '../../../shared/fields.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { validate } from '../../../shared/validate.ts'
import { type Field, fieldsOf, parseFields, parseObject } from '../../project/schema-fields.ts'
import { UsageError } from '../../project/usage-error.ts'
import { isInteractive, promptForField, promptForSelection } from './prompts.ts'
import { readInput } from './read-input.ts'

export interface FieldOptions {
  fromFile?: string
  field?: Record<string, string>
  ca?: string
}

/** Adds the options of a command that builds a secret from prompts, a file or arguments. */
export function fieldOptions(command: Command): Command {
  return command
    .option('--from-file <file>', 'JSON object with the fields, instead of prompts; - for stdin')
    .option('--field <name=value>', 'set a field that is not a secret; can be repeated', parsePair)
    .option('--ca <file>', "PEM file of the platform's private certificate authority")
    .option('--dry-run', 'test the values and show the secret with credentials masked, but do not save it')
    .option('--no-check', 'save without testing')
    .option('--json', 'print the result as JSON')
}

interface PromptOptions {
  /** Name of the field that the prompted fields are part of. */
  parent?: string
  /** Stored values, offered as defaults. */
  stored?: Record<string, unknown>
  /** Optional fields to prompt for. */
  include?: string[]
  /** Fields not to prompt for. */
  exclude?: string[]
}

/** Reads the fields that `--from-file` and `--ca` provide. */
export async function readGivenFields({ fromFile, ca }: FieldOptions): Promise<Record<string, unknown>> {
  const fields = fromFile === undefined ? {} : parseObject(await readInput(fromFile), fromFile)
  return ca === undefined ? fields : { ...fields, ca: await readInput(ca) }
}

/**
 * Returns the fields of a secret. Prompts for the missing ones, unless there is no terminal or a file was given.
 *
 * @param known fields that need no prompt
 * @throws UsageError for an unknown or invalid `--field`
 */
export async function promptForFields(
  schema: z.ZodMiniObject,
  known: Record<string, unknown>,
  options: FieldOptions & PromptOptions,
): Promise<Record<string, unknown>> {
  // `--ca` sets this field from a file.
  const fields = fieldsOf(schema).filter(({ name }) => name !== 'ca')
  const values = { ...known, ...parseFields(fields, options.field ?? {}) }
  return options.fromFile === undefined && isInteractive() ? prompt(fields, values, options) : values
}

/**
 * Validates a secret, and registers its credentials for masking.
 *
 * @throws UsageError that lists all invalid and missing fields
 */
export function validateSecret<S extends z.ZodMiniObject>(
  schema: S,
  value: Record<string, unknown>,
  what: string,
): z.output<S> {
  // Before an error can quote them.
  for (const secret of secretsIn(schema, value)) registerSecret(secret)
  try {
    return validate(schema, value, { what })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const hint = isInteractive() ? '' : ' There is no terminal for prompts: pass the fields with --from-file.'
    throw new UsageError(`${toSentence(error.message)}${hint}`, { cause: error })
  }
}

async function prompt(
  fields: Field[],
  known: Record<string, unknown>,
  { parent, stored = {}, include = [], exclude = [] }: PromptOptions,
): Promise<Record<string, unknown>> {
  const values = { ...known }
  const missing = fields.filter(({ name }) => !Object.hasOwn(known, name) && !exclude.includes(name))
  const required = missing.filter((field) => field.required || include.includes(field.name))
  for (const field of required) values[field.name] = await promptForValue(field, stored[field.name])
  const optional = missing.filter((field) => !required.includes(field))
  if (optional.length === 0) return values
  const selected = await promptForSelection(
    `Which optional fields${parent ? ` of ${parent}` : ''} do you want to set?`,
    optional.map(({ name, description, fallback }) => ({ value: name, hint: withDefault(description, fallback) })),
    optional.filter(({ name }) => stored[name] !== undefined).map(({ name }) => name),
  )
  for (const field of optional) {
    if (selected.includes(field.name)) values[field.name] = await promptForValue(field, stored[field.name])
  }
  return values
}

function withDefault(description: string, fallback: string | undefined): string {
  if (fallback === undefined || fallback === '{}' || /default/i.test(description)) return description
  return `${description} (default: ${fallback})`
}

/** Prompts for each field of an object separately. */
async function promptForValue(field: Field, stored: unknown): Promise<unknown> {
  const bare = unwrap(field.schema)
  if (!(bare instanceof z.ZodMiniObject)) return promptForField(field, stored)
  return prompt(fieldsOf(bare), {}, { parent: field.name, stored: (stored ?? {}) as Record<string, unknown> })
}

/** Parses one `name=value` of a repeated option. */
function parsePair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const index = text.indexOf('=')
  if (index < 1) throw new InvalidArgumentError('Write it as name=value.')
  return { ...before, [text.slice(0, index)]: text.slice(index + 1) }
}
