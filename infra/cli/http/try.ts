import { randomUUID } from 'node:crypto'
import { type Command, InvalidArgumentError } from 'commander'
import type { Category } from '../../../shared/providers/category.ts'
import type { Connection } from '../../../shared/providers/connections.ts'
import { readInput } from '../input.ts'
import { note } from '../output.ts'
import { askYes, isInteractive } from '../prompts.ts'
import { UsageError } from '../receiver.ts'
import { type TestEventOptions, testEvent, testEventOptions } from '../test-event.ts'
import { tryAction } from './attempt.ts'
import { tryResponse } from './pasted-response.ts'
import { type Report, reportText } from './report.ts'

export interface TryOptions extends TestEventOptions {
  try?: string
  yes?: boolean
  answer?: string
  request?: string
  status: number
}

/** What came of a try of a connection of the provider `http`. */
export interface HttpTrial {
  /** The action that was tried, or the request whose response was given. */
  tried: string
  dryRun?: Report
  /** Absent if nothing was sent. */
  run?: Report
  response?: Report
}

/** The options that try a connection of the provider `http`. */
export function tryOptions(command: Command): Command {
  return testEventOptions(
    command.option(
      '--try <action>',
      'of the provider http: run this action, first as a dry run, and show what each expression finds',
    ),
  )
    .option('--yes', 'with --try: send it for real without asking')
    .option('--answer <file>', 'of the provider http: evaluate the expressions on a response in a file; - for stdin')
    .option(
      '--request <name>',
      'the request of the connection that --answer answers, or that a draft describes, such as open',
    )
    .option('--status <code>', 'with --answer: its status', parseStatus, 200)
}

/** Whether a connection is to be tried so. */
export function isTry({ try: action, answer }: TryOptions): boolean {
  return action !== undefined || answer !== undefined
}

/**
 * Tries a connection of the provider `http` by an action, or by a response that was saved.
 *
 * @param say gets what is shown, one part after the other
 * @throws UsageError
 */
export async function tryHttp(
  category: Category,
  connection: Connection,
  options: TryOptions,
  say: (text: string) => void,
): Promise<HttpTrial> {
  const { try: action, answer, request, status } = options
  const { provider } = connection.values
  if (typeof provider !== 'string' || !/^http(?:-|$)/.test(provider))
    throw new UsageError(
      `--try and --answer are for the provider http, not for ${provider}: use webhooks send --dry-run.`,
    )
  if (answer !== undefined) {
    if (action !== undefined) throw new UsageError('Give --try or --answer, not both.')
    if (request === undefined)
      throw new UsageError('--answer needs --request: the request that it answers, such as open.')
    const response = await tryResponse(connection, { name: request, status, text: await readInput(answer) })
    say(reportText(response))
    return { tried: request, response }
  }
  if (action === undefined || !Object.hasOwn(category.actions, action))
    throw new UsageError(`--try: ${category.name} has the actions ${Object.keys(category.actions).join(', ')}.`)
  const event = testEvent(options, { id: randomUUID(), task: 'try' })
  let isShown = false
  const consent = async (dryRun: Report) => {
    say(`Dry run: nothing that changes something was sent.\n\n${reportText(dryRun)}`)
    isShown = true
    if (options.yes) return true
    if (isInteractive()) return askYes('Send it for real?')
    note('Nothing was changed. Give --yes to send it for real.')
    return false
  }
  const { dryRun, run } = await tryAction({ category, action, connection, event }, consent)
  if (!isShown) say(reportText(dryRun))
  if (run) say(`\nFor real:\n\n${reportText(run)}`)
  return { tried: action, dryRun, ...(run ? { run } : {}) }
}

/** What is wrong with the connection, in one text; undefined if nothing is. */
export function problemIn({ dryRun, run, response }: HttpTrial): string | undefined {
  const problems = [dryRun, run, response].flatMap((report) => report?.problems ?? [])
  return problems.length === 0 ? undefined : problems.join(' ')
}

function parseStatus(text: string): number {
  if (!/^[1-5]\d\d$/.test(text)) throw new InvalidArgumentError('It must be an HTTP status, such as 200.')
  return Number(text)
}
