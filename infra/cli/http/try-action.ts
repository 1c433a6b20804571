import { randomBytes } from 'node:crypto'
import { Failure, messageOf, toSentence } from '../../../shared/errors.ts'
import { originOf, parseEvent } from '../../../shared/orchestrators/event/event.ts'
import { type ActionResult, completeInput, runWith } from '../../../shared/providers/action.ts'
import { actionsOf, type Category } from '../../../shared/providers/category.ts'
import { connect } from '../../../shared/providers/connect.ts'
import type { Connection } from '../../../shared/providers/connections.ts'
import type { Run } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import type { TicketProvider, TicketRef } from '../../../shared/providers/ticket.ts'
import { openTicket } from '../../../shared/providers/ticket-actions.ts'
import { sleep } from '../../../shared/sleep.ts'
import { validate } from '../../../shared/validate.ts'
import { UsageError } from '../../project/usage-error.ts'
import { Recorder } from './recorder.ts'
import { type Report, reportStep } from './report.ts'

const MAX_DURATION_MS = 120_000
/** Delays before each attempt to find a created item: some APIs list new items late. */
const FIND_DELAYS_MS = [0, 1_000, 2_000]

/** An action to run on a connection of the `http` provider. */
interface TryRequest {
  category: Category
  action: string
  connection: Connection
  /** Event of the call, including its input. */
  event: Record<string, unknown>
}

interface TryResult {
  dryRun: Report
  /** Absent if nothing was sent. */
  run?: Report
}

type AnyAction = Category['actions'][string]

interface Ready {
  action: AnyAction
  connection: Connection
  input: unknown
  client(intercept?: Recorder): Client
}

/**
 * Runs an action as a dry run and, if confirmed, for real. Records each request and what each expression finds.
 *
 * @param confirm receives the dry run
 * @throws UsageError if the connection cannot run the action, or the input is not valid
 */
export async function tryAction(
  request: TryRequest,
  confirm: (dryRun: Report) => Promise<boolean>,
): Promise<TryResult> {
  const ready = await prepare(request)
  const { report: dryRun, isComplete } = await dryRunOf(ready)
  if (dryRun.problems.length > 0 || isComplete || !(await confirm(dryRun))) return { dryRun }
  return { dryRun, run: await runForReal(ready) }
}

async function prepare({ category, action: name, connection, event: body }: TryRequest): Promise<Ready> {
  const action = category.actions[name]
  if (!action)
    throw new UsageError(`${category.name}/${name} selects an action by the event. Pass the name of that action.`)
  const { provider, values } = connection
  if (action.kind !== provider.kind) {
    const able = actionsOf(category, provider).join(', ')
    throw new UsageError(`The provider ${values['provider']} does not support ${name}. It supports ${able}.`)
  }
  const event = parseEvent(body)
  const parsed = validate(action.input, body['input'] ?? {}, { what: 'The input', root: 'input', isNullUnset: true })
  const input = await completeInput(action, parsed, { event, connection: values, provider, silent: true })
  const key = randomBytes(20).toString('hex')
  const deadlineAt = Date.now() + MAX_DURATION_MS
  const url = 'https://webhooks.example.com/approvals/try'
  const signedLink = { token: 'try', url, readUrl: `${url}/read`, deadlineAt }
  return {
    action,
    connection,
    input,
    client: (recorder) =>
      connect(connection, {
        idempotencyKey: key,
        isRetry: false,
        origin: originOf(event),
        deadlineAt,
        ...(action.type === 'approval' ? { signedLink } : {}),
        ...(recorder ? { intercept: (request) => recorder.hold(request) } : {}),
      }),
  }
}

/** Sends the requests that only read, and records the others without sending them. */
async function dryRunOf(ready: Ready): Promise<{ report: Report; isComplete: boolean }> {
  const { action, connection, input } = ready
  const problems: string[] = []
  const recorder = new Recorder()
  const client = ready.client(recorder)
  let message: string | undefined
  try {
    const { outcome } = await runWith(action, connection.provider, client, input)
    message = outcome.message
    // An action that only reads runs completely.
    if (outcome.status === 'errored') problems.push(toSentence(message))
  } catch (error) {
    // After a request that was not sent, an error only shows that its response is missing.
    if (recorder.isIncomplete || !recorder.steps.some(({ held }) => held)) problems.push(problemOf(error))
  } finally {
    recorder.stop()
  }
  const { steps } = recorder
  const isComplete = !steps.some(({ held }) => held)
  if (isComplete && message !== undefined && isCreating(action))
    problems.push(
      `find returned an item although none was created with this key: ${toSentence(message)} It must find only items that contain key.`,
    )
  const hasStep = (name: string) => steps.some((step) => step.name === name)
  if (problems.length === 0 && commentOf(input) !== undefined && hasStep('hasComment') && !hasStep('comment'))
    problems.push(
      'hasComment found a comment although none was added with this key. It must find only comments that contain key.',
    )
  const shown = {
    message: isComplete && problems.length === 0 ? message : undefined,
    problems,
    mayFindNothing: steps.length,
  }
  return { report: reportOf(ready, client, recorder, shown), isComplete }
}

async function runForReal(ready: Ready): Promise<Report> {
  const { action, connection, input } = ready
  const problems: string[] = []
  const recorder = new Recorder()
  const client = ready.client()
  const check = async <T>(run: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await run()
    } catch (error) {
      problems.push(problemOf(error))
      return undefined
    }
  }
  try {
    const result = await check(() => runWith(action, connection.provider, client, input))
    const outcome = result?.outcome
    if (outcome?.result === 'fail') problems.push(toSentence(outcome.message))
    const actionSteps = recorder.steps.length
    const job = result?.type === 'started' ? result.job : undefined
    // Without a valid response, the item may exist anyway.
    if (outcome !== undefined || client.mayHaveWritten)
      await verify({ ready, client, recorder, check, problems, job, createdId: createdId(result) })
    return reportOf(ready, client, recorder, { message: outcome?.message, problems, mayFindNothing: actionSteps })
  } finally {
    recorder.stop()
  }
}

/** Returns the id of the created ticket or run. */
function createdId(result: ActionResult | undefined): string | undefined {
  if (result?.type === 'started') return (result.job as Partial<Run>).id
  return result?.outcome.data['id'] as string | undefined
}

interface Verification {
  ready: Ready
  client: Client
  recorder: Recorder
  /** Runs a request and records its failure as a problem. */
  check<T>(run: () => T | Promise<T>): Promise<T | undefined>
  problems: string[]
  job: unknown
  createdId: string | undefined
}

/** Checks that the created item can be found by its key and read by its id. */
async function verify({ ready, client, recorder, check, problems, job, createdId }: Verification): Promise<void> {
  const { action, connection, input } = ready
  const { values } = connection
  const { kind } = connection.provider
  const tickets = connection.provider as TicketProvider
  const ref = { id: createdId ?? '', project: (input as TicketRef).project }
  if (!isCreating(action)) {
    if (kind !== 'ticket' || commentOf(input) === undefined || values['hasComment'] === undefined) return
    const found = await check(() => tickets.hasComment(client as never, { ...ref, ...(input as TicketRef) }))
    if (found === false)
      problems.push('hasComment does not find the comment that was added. A retry would add it again.')
    return
  }
  if (values['find'] !== undefined) {
    const found = await check(() => findSoon(recorder, () => tickets.find(client as never, input as never)))
    if (found === null)
      problems.push('find does not find the item that was created. A retry of the call would create another one.')
    else if (found !== undefined && createdId !== undefined && found.id !== createdId)
      problems.push(
        `find returned ${found.id} although ${createdId} was created. It must find only items that contain key.`,
      )
  }
  if (createdId === undefined) return
  if (action.type === 'job')
    return void (await check(() => action.job.getStatus(connection.provider, client, input, job)))
  const read = await check(() => tickets.get?.(client, ref))
  if (read && read.id !== createdId) problems.push(`get of ${createdId} returned the id ${read.id}.`)
}

/** @returns null if nothing is found after the last delay */
async function findSoon(
  recorder: Recorder,
  find: () => Promise<{ id: string } | 'unknown' | undefined>,
): Promise<{ id: string } | null> {
  const before = recorder.steps.length
  for (const delay of FIND_DELAYS_MS) {
    await sleep(delay)
    // Only the last attempt is reported.
    recorder.steps.length = before
    const found = await find()
    if (found !== undefined && found !== 'unknown') return found
  }
  return null
}

function isCreating(action: AnyAction): boolean {
  return action.type === 'job' ? action.startsJob === true : action.run === openTicket.run
}

function commentOf(input: unknown): string | undefined {
  return (input as { comment?: string }).comment
}

function reportOf(
  { connection }: Ready,
  { idempotencyKey }: Client,
  recorder: Recorder,
  { message, problems, mayFindNothing }: { message: string | undefined; problems: string[]; mayFindNothing: number },
): Report {
  recorder.stop()
  const options = { connection: connection.values, key: idempotencyKey }
  const steps = recorder.steps.map((step, index) =>
    reportStep(step, { ...options, ...(index < mayFindNothing ? { mayFindNothing: ['find', 'hasComment'] } : {}) }),
  )
  return { steps, ...(message === undefined ? {} : { message: toSentence(message) }), problems }
}

function problemOf(error: unknown): string {
  // A failure shows a problem of the connection or its API. Any other error is a bug.
  if (!(error instanceof Failure)) throw error
  return toSentence(messageOf(error))
}
