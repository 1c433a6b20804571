import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { messageOf } from '../../../shared/errors.ts'
import type { Category } from '../../../shared/providers/category.ts'
import type { Provider } from '../../../shared/providers/provider.ts'
import { findProvider } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { note } from '../terminal/output.ts'
import { readInput } from '../terminal/read-input.ts'
import { type Draft, withPlaceholders } from './draft.ts'
import { draftFromCurl } from './from-curl.ts'
import { draftFromOpenApi } from './from-openapi.ts'

export interface DraftSourceOptions {
  fromCurl?: string
  /** The file and, unless `--operation` has it, the operation. */
  fromOpenapi?: string[]
  operation?: string
  draft?: string
  request?: string
  provider?: string
}

/** Adds the options that draft a connection of the `http` provider. */
export function draftOptions(command: Command): Command {
  return command
    .option(
      '--from-curl <command>',
      'http provider only: create a draft from a curl command, or from a file with the command; - for stdin',
    )
    .option(
      '--from-openapi <file...>',
      'http provider only: create a draft from an OpenAPI document (JSON or YAML; - for stdin), and optionally the operation: <file> <operationId>',
    )
    .option('--operation <id>', 'with --from-openapi: operationId, or method and path, such as "POST /tickets"')
    .option(
      '--draft <file>',
      'write the draft, with placeholders for credentials, to a file instead of saving it; - for stdout',
    )
}

/**
 * Creates the draft of a connection if the options request one.
 *
 * @param known existing fields of the connection
 * @throws UsageError
 */
export async function readDraft(
  options: DraftSourceOptions,
  category: Category,
  known: Record<string, unknown>,
): Promise<Draft | undefined> {
  const { fromCurl, fromOpenapi, operation, request } = options
  if (fromCurl === undefined && fromOpenapi === undefined) {
    if (options.draft === undefined) return undefined
    throw new UsageError('--draft requires --from-curl or --from-openapi.')
  }
  if (fromCurl !== undefined && fromOpenapi !== undefined)
    throw new UsageError('Pass --from-curl or --from-openapi, not both.')
  const provider = String(options.provider ?? known['provider'] ?? 'http')
  if (!/^http(?:-|$)/.test(provider))
    throw new UsageError(`--from-curl and --from-openapi support only the http provider, not ${provider}.`)
  const { kind }: Provider = await findProvider(category, provider)
  const of = { kind, provider, request, known }
  if (fromOpenapi !== undefined) {
    const [file = '', name = operation, ...others] = fromOpenapi
    if (others.length > 0)
      throw new UsageError('--from-openapi takes a file and an operation. Put <category/connection> before it.')
    return draftFromOpenApi(await readInput(file), name, of)
  }
  const command = /^\s*curl\s/.test(fromCurl ?? '') ? fromCurl : await readInput(fromCurl ?? '')
  return draftFromCurl(command ?? '', of, process.env)
}

/** Writes a draft with placeholders for credentials to a file or to stdout. */
export function writeDraft(file: string, { values, placeholders, notes }: Draft): void {
  const text = JSON.stringify({ ...withPlaceholders(values), ...placeholders }, null, 2)
  if (file === '-') console.log(text)
  else {
    try {
      // Readable only by its owner, who will add credentials.
      writeFileSync(file, `${text}\n`, { mode: 0o600 })
    } catch (error) {
      throw new UsageError(`Cannot write ${file}: ${messageOf(error)}.`, { cause: error })
    }
  }
  for (const text of notes) note(text)
  if (file !== '-') note(`Wrote ${file}. Complete it, and save the connection with --from-file ${file}.`)
}
