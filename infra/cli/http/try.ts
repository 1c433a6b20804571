import { randomUUID } from 'node:crypto'
import { type Command, InvalidArgumentError } from 'commander'
import { actionNames, type Category } from '../../../shared/providers/category.ts'
import type { Connection } from '../../../shared/providers/connections.ts'
import { UsageError } from '../../project/usage-error.ts'
import { createTestEvent, type TestEventOptions, testEventOptions } from '../receiver/sample-event.ts'
import { note } from '../terminal/output.ts'
import { isInteractive, promptForConfirmation } from '../terminal/prompts.ts'
import { readInput } from '../terminal/read-input.ts'
import { type Report, reportText } from './report.ts'
import { tryAction } from './try-action.ts'
import { tryResponse } from './try-response.ts'

export interface TryOptions extends TestEventOptions {
  try?: string
  yes?: boolean
  answer?: string
  request?: string
  status: number
}

/** Result of testing a connection of the `http` provider. */
export interface HttpTestResult {
  /** The action, or the request of the saved response. */
  tested: string
  dryRun?: Report
  /** Absent if nothing was sent. */
  run?: Report
  response?: Report
}

/** Adds the options that test a connection of the `http` provider. */
export function tryOptions(command: Command): Command {
  return testEventOptions(
    command.option(
      '--try <action>',
      'http provider only: run this action, first as a dry run, and show what each expression finds',
    ),
  )
    .option('--yes', 'with --try: send all requests without asking')
    .option('--answer <file>', 'http provider only: evaluate the expressions on a saved response; - for stdin')
    .option('--request <name>', 'request of the connection that the response or the draft belongs to, such as open')
    .option('--status <code>', 'with --answer: HTTP status of the response', parseStatus, 200)
}

/** Returns whether the options test a connection of the `http` provider. */
export function isTry({ try: action, answer }: TryOptions): boolean {
  return action !== undefined || answer !== undefined
}

/**
 * Tests a connection of the `http` provider with an action or a saved response.
 *
 * @param say prints one part of the output
 * @throws UsageError
 */
export async function tryHttp(
  category: Category,
  connection: Connection,
  options: TryOptions,
  say: (text: string) => void,
): Promise<HttpTestResult> {
  const { try: action, answer, request, status } = options
  const { provider } = connection.values
  if (typeof provider !== 'string' || !/^http(?:-|$)/.test(provider))
    throw new UsageError(
      `--try and --answer support only the http provider, not ${provider}. Use webhooks send --dry-run.`,
    )
  if (answer !== undefined) {
    if (action !== undefined) throw new UsageError('Pass --try or --answer, not both.')
    if (request === undefined)
      throw new UsageError('--answer requires --request with the name of the request, such as open.')
    const response = await tryResponse(connection, { name: request, status, text: await readInput(answer) })
    say(reportText(response))
    return { tested: request, response }
  }
  if (action === undefined || !Object.hasOwn(category.actions, action))
    throw new UsageError(
      `--try: unknown action "${action}". Actions of ${category.name}: ${actionNames(category).join(', ')}.`,
    )
  const event = createTestEvent(options, { id: randomUUID(), task: 'try' })
  let isShown = false
  const confirm = async (dryRun: Report) => {
    say(`Dry run: only requests that read were sent.\n\n${reportText(dryRun)}`)
    isShown = true
    if (options.yes) return true
    if (isInteractive()) return promptForConfirmation('Send all requests?')
    note('Nothing was changed. Pass --yes to send all requests.')
    return false
  }
  const { dryRun, run } = await tryAction({ category, action, connection, event }, confirm)
  if (!isShown) say(reportText(dryRun))
  if (run) say(`\nAll requests sent:\n\n${reportText(run)}`)
  return { tested: action, dryRun, ...(run ? { run } : {}) }
}

/** Joins the problems of the connection into one text; undefined if there are none. */
export function problemIn({ dryRun, run, response }: HttpTestResult): string | undefined {
  const problems = [dryRun, run, response].flatMap((report) => report?.problems ?? [])
  return problems.length === 0 ? undefined : problems.join(' ')
}

function parseStatus(text: string): number {
  if (!/^[1-5]\d\d$/.test(text)) throw new InvalidArgumentError('It must be an HTTP status, such as 200.')
  return Number(text)
}
