import { type Command, InvalidArgumentError } from 'commander'
import * as z from 'zod/mini'
import { Failure, toSentence } from '../../shared/errors.ts'
import { secretsIn, unwrap } from '../../shared/fields.ts'
import { registerSecret } from '../../shared/redact.ts'
import { validate } from '../../shared/validate.ts'
import { type Field, fieldsOf, parseObject, readFields } from './fields.ts'
import { readInput } from './input.ts'
import { askField, askSome, isInteractive } from './prompts.ts'
import { UsageError } from './receiver.ts'

export interface GatherOptions {
  fromFile?: string
  field?: Record<string, string>
  ca?: string
}

/** The options of a command that makes a secret of answers, a file or arguments. */
export function gatherOptions(command: Command): Command {
  return command
    .option('--from-file <file>', 'the fields as one JSON object, instead of questions; - for stdin')
    .option('--field <name=value>', 'a field that is no secret; may be given several times', parsePair)
    .option('--ca <file>', 'the PEM file of a private certificate authority that the platform uses')
    .option('--dry-run', 'show what would be stored, with secrets masked, and store nothing')
    .option('--no-check', 'store it without trying it')
    .option('--json', 'print the result as JSON')
}

/** How questions are put. */
interface Offered {
  /** The field that these are parts of. */
  of?: string
  present?: Record<string, unknown>
  first?: string[]
  never?: string[]
}

/** What is known before anybody is asked: of the file, then of the arguments. */
export async function given({ fromFile, ca }: GatherOptions): Promise<Record<string, unknown>> {
  const held = fromFile === undefined ? {} : parseObject(await readInput(fromFile), fromFile)
  return ca === undefined ? held : { ...held, ca: await readInput(ca) }
}

/**
 * The fields of a secret: what is given, and answers to what is not, where somebody is there to answer.
 *
 * @param known what is given already
 * @param present what is stored now; offered as the answer
 * @param first names of fields that are asked for though they may be left out
 * @param never names of fields that are not asked for
 * @throws UsageError that names everything that is wrong or missing
 */
export async function gather(
  schema: z.ZodMiniObject,
  known: Record<string, unknown>,
  options: GatherOptions & Offered,
): Promise<Record<string, unknown>> {
  // A file is given for these.
  const fields = fieldsOf(schema).filter(({ name }) => name !== 'ca')
  const laid = { ...known, ...readFields(fields, options.field ?? {}) }
  const asks = options.fromFile === undefined && isInteractive()
  return asks ? ask(fields, laid, options) : laid
}

/**
 * The secret as it is used, checked as a whole.
 *
 * @throws UsageError that names everything that is wrong or missing
 */
export function checked<S extends z.ZodMiniObject>(
  schema: S,
  value: Record<string, unknown>,
  what: string,
): z.output<S> {
  // Before anything is said of them.
  for (const secret of secretsIn(schema, value)) registerSecret(secret)
  try {
    return validate(schema, value, { what })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const hint = isInteractive() ? '' : ' Nobody is here to be asked: give the fields in --from-file, or - for stdin.'
    throw new UsageError(`${toSentence(error.message)}${hint}`, { cause: error })
  }
}

async function ask(
  fields: Field[],
  laid: Record<string, unknown>,
  { of, present = {}, first = [], never = [] }: Offered,
): Promise<Record<string, unknown>> {
  const answers = { ...laid }
  const open = fields.filter(({ name }) => !Object.hasOwn(laid, name) && !never.includes(name))
  const must = open.filter(({ name, required }) => required || first.includes(name))
  for (const field of must) answers[field.name] = await answer(field, present[field.name])
  const more = open.filter((field) => !must.includes(field))
  if (more.length === 0) return answers
  const chosen = await askSome(
    `Which of these${of ? ` of ${of}` : ''} would you set, too?`,
    more.map(({ name, about, fallback }) => ({
      value: name,
      hint:
        fallback === undefined || fallback === '{}' || about.includes('left out')
          ? about
          : `${about}; else ${fallback}`,
    })),
    more.filter(({ name }) => present[name] !== undefined).map(({ name }) => name),
  )
  for (const field of more) {
    if (chosen.includes(field.name)) answers[field.name] = await answer(field, present[field.name])
  }
  return answers
}

/** An object of named fields is asked for field by field. */
async function answer(field: Field, present: unknown): Promise<unknown> {
  const bare = unwrap(field.schema)
  if (!(bare instanceof z.ZodMiniObject)) return askField(field, present)
  return ask(fieldsOf(bare), {}, { of: field.name, present: (present ?? {}) as Record<string, unknown> })
}

/** Reads one `name=value` of a repeated option. */
function parsePair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as name=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}
