import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { quoteForShell } from '../../project/shell-words.ts'
import { UsageError } from '../../project/usage-error.ts'
import { isObject } from '../../sandbox/keptn/events.ts'
import { explain } from '../../sandbox/keptn/hints.ts'
import { describeWarning } from '../../sandbox/keptn/mode-warnings.ts'
import { type PreviewResult, preview } from '../../sandbox/keptn/preview.ts'
import { render } from '../../sandbox/keptn/template/evaluate.ts'
import type { GoObject } from '../../sandbox/keptn/template/values.ts'
import { UnreadableConfigError } from '../../sandbox/keptn/webhook-config.ts'
import { mask } from '../../sandbox/keptn/webhook-service.ts'
import { note } from '../terminal/output.ts'

interface PreviewOptions {
  event: string
  env?: Record<string, string>
  json?: boolean
}

/** `webhooks preview`: prints the requests that webhook-service would send for an event. */
export function previewCommand(): Command {
  return new Command('preview')
    .argument('<webhook.yaml>', 'webhook configuration')
    .requiredOption('--event <event.json>', 'JSON file with the event')
    .option('--env <name=value>', 'secret that the configuration uses as {{.env.name}}; can be repeated', parseSecret)
    .option('--json', 'print the exact arguments as JSON, including secrets')
    .addHelpText(
      'after',
      `
Secrets are shown as *** unless you pass --json. A warning is printed if Keptn and the receiver together would send too few
or too many started and finished events, if Keptn would lose a result, or if a template prints a map as text. Warnings do not
change the exit code.

Exit code: 0 Keptn would send every request, 1 Keptn would reject a request or drop the event, 2 invalid arguments.

Example:
  $ npx webhooks preview webhook.yaml --event openticket.triggered.json --env secret_webhooks_token=abc`,
    )
    .action(run)
}

/** Reads one `name=value` of a repeated option. */
export function parseSecret(text: string, before: Record<string, string> = {}): Record<string, string> {
  const index = text.indexOf('=')
  if (index < 1) throw new InvalidArgumentError('Write it as name=value.')
  return { ...before, [text.slice(0, index)]: text.slice(index + 1) }
}

const DROPPED_HINT =
  'Keptn calls no webhook and sends no started or finished event. The sequence fails after 10 minutes.'

function run(file: string, { event: eventFile, env = {}, json }: PreviewOptions): void {
  const event = readEvent(eventFile)
  const result = previewFile(file, event, env)
  if (json) console.log(JSON.stringify(result))
  if ('configError' in result) {
    if (!json) console.log(`refused: ${result.configError}`)
    process.exitCode = 1
    return
  }
  if ('dropped' in result) {
    if (!json) console.log(`Keptn drops this event: ${result.dropped}.\n  ${DROPPED_HINT}`)
    process.exitCode = 1
    return
  }
  if (result.results.length === 0)
    throw new UsageError(`${file} has no subscription for ${event['type']}, the type of the event in ${eventFile}.`)
  if (!json) console.log(result.results.map((request) => describe(request, env)).join('\n\n'))
  if (!json) for (const warning of result.warnings) note(describeWarning(warning))
  if (result.results.some((request) => 'refused' in request)) process.exitCode = 1
}

function previewFile(file: string, event: GoObject, env: Record<string, string>): ReturnType<typeof preview> {
  try {
    return preview(read(file), event, env)
  } catch (error) {
    if (error instanceof UnreadableConfigError) throw new UsageError(`${file}: ${error.message}.`, { cause: error })
    throw error
  }
}

function readEvent(file: string): GoObject {
  let event: unknown
  try {
    event = JSON.parse(read(file))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : error}.`, { cause: error })
  }
  if (!isObject(event) || typeof event['type'] !== 'string')
    throw new UsageError(`${file} is not an event: it has no type.`)
  return event
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`Cannot read ${file}. Check the path.`, { cause: error })
  }
}

function describe(request: PreviewResult, env: Record<string, string>): string {
  const secrets = spellings(env)
  if ('argv' in request) return shellLine(request.argv.map((arg) => mask(arg, secrets)))
  const hint = explain(request.refused)
  return `refused: ${mask(request.refused, secrets)}${hint === '' ? '' : `\n  ${hint}`}`
}

/** Returns all forms of the secrets that a template can print, so that all of them are masked. */
function spellings(env: Record<string, string>): Record<string, string> {
  const forms = ['{{.}}', '{{urlquery .}}', '{{js .}}', '{{html .}}'].flatMap((template) =>
    Object.values(env).flatMap((secret) => {
      const form = render(template, secret)
      return [form, Buffer.from(form).toString('latin1')]
    }),
  )
  return Object.fromEntries(forms.map((form, index) => [index, form]))
}

/** Formats a command for a shell, with one option per line. */
function shellLine(argv: readonly string[]): string {
  const quoted = argv.map(quoteForShell)
  return quoted.reduce((line, arg, index) => {
    const startsLine = index > 0 && (arg.startsWith('-') || !argv[index - 1]?.startsWith('-'))
    return index === 0 ? arg : `${line}${startsLine ? ' \\\n  ' : ' '}${arg}`
  }, '')
}
