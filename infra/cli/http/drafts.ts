import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { messageOf } from '../../../shared/errors.ts'
import type { Category } from '../../../shared/providers/category.ts'
import type { Provider } from '../../../shared/providers/provider.ts'
import { readInput } from '../input.ts'
import { providerNamed } from '../names.ts'
import { note } from '../output.ts'
import { UsageError } from '../receiver.ts'
import { type Draft, withPlaceholders } from './draft.ts'
import { draftFromCurl } from './from-curl.ts'
import { draftFromOpenApi } from './from-openapi.ts'

export interface FromOptions {
  fromCurl?: string
  fromOpenapi?: string
  operation?: string
  draft?: string
  request?: string
  provider?: string
}

/** The options that make the draft of a connection of the provider `http`. */
export function fromOptions(command: Command): Command {
  return command
    .option(
      '--from-curl <command>',
      'of the provider http: a draft from a curl command, or from a file that holds one; - for stdin',
    )
    .option(
      '--from-openapi <file>',
      'of the provider http: a draft from an OpenAPI document, JSON or YAML; - for stdin',
    )
    .option('--operation <id>', 'with --from-openapi: the operationId, or such as "POST /tickets"')
    .option(
      '--draft <file>',
      'write the draft to a file instead of storing it, with placeholders for credentials; - for stdout',
    )
}

/**
 * The draft of a connection, if the options ask for one.
 *
 * @param known the fields of the connection that are known already
 * @throws UsageError
 */
export async function draftBy(
  options: FromOptions,
  category: Category,
  known: Record<string, unknown>,
): Promise<Draft | undefined> {
  const { fromCurl, fromOpenapi, operation, request } = options
  if (fromCurl === undefined && fromOpenapi === undefined) {
    if (options.draft === undefined) return undefined
    throw new UsageError('--draft needs --from-curl or --from-openapi.')
  }
  if (fromCurl !== undefined && fromOpenapi !== undefined)
    throw new UsageError('Give --from-curl or --from-openapi, not both.')
  const provider = String(options.provider ?? known['provider'] ?? 'http')
  if (!/^http(?:-|$)/.test(provider))
    throw new UsageError(`--from-curl and --from-openapi are for the provider http, not for ${provider}.`)
  const { kind }: Provider = await providerNamed(category, provider)
  const of = { kind, provider, request, known }
  if (fromOpenapi !== undefined) return draftFromOpenApi(await readInput(fromOpenapi), operation, of)
  const command = /^\s*curl\s/.test(fromCurl ?? '') ? fromCurl : await readInput(fromCurl ?? '')
  return draftFromCurl(command ?? '', of, process.env)
}

/** Writes a draft, without any credential, to a file or to stdout. */
export function writeDraft(file: string, { values, placeholders, notes }: Draft): void {
  const text = JSON.stringify({ ...withPlaceholders(values), ...placeholders }, null, 2)
  if (file === '-') console.log(text)
  else {
    try {
      // Only for its owner: it will hold the credentials.
      writeFileSync(file, `${text}\n`, { mode: 0o600 })
    } catch (error) {
      throw new UsageError(`${file} cannot be written: ${messageOf(error)}.`, { cause: error })
    }
  }
  for (const one of notes) note(one)
  if (file !== '-') note(`Wrote ${file}. Complete it, and store it with --from-file ${file}.`)
}
