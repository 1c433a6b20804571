import { randomBytes } from 'node:crypto'
import { originOf } from '../../../shared/core/http/parse.ts'
import { Failure, messageOf, toSentence } from '../../../shared/errors.ts'
import { parseEvent } from '../../../shared/orchestrators/keptn/event.ts'
import { completeInput } from '../../../shared/providers/action.ts'
import type { Category } from '../../../shared/providers/category.ts'
import { connect } from '../../../shared/providers/connect.ts'
import type { Connection } from '../../../shared/providers/connections.ts'
import type { Run } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { openTicket, type TicketProvider, type TicketRef } from '../../../shared/providers/ticket.ts'
import { sleep } from '../../../shared/sleep.ts'
import { validate } from '../../../shared/validate.ts'
import { UsageError } from '../receiver.ts'
import { Recorder } from './recorder.ts'
import { type Report, shownStep } from './report.ts'

/** Milliseconds that the requests of one try may take. */
const MAX_DURATION_MS = 120_000
/** Before each look-up of what was created: some APIs list it only after a moment. */
const LOOK_UP_PAUSES_MS = [0, 1_000, 2_000]

/** What is tried: an action with an input, on a connection of the provider `http`. */
export interface Attempt {
  category: Category
  /** One of the category. */
  action: string
  connection: Connection
  /** The event of a call, with its input. */
  event: Record<string, unknown>
}

export interface Tried {
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
 * Runs an action as a dry run, and then for real, with every request and what each expression finds.
 *
 * @param consent gets the dry run; whether to go on
 * @throws UsageError for an input or an action that does not fit
 */
export async function tryAction(attempt: Attempt, consent: (dryRun: Report) => Promise<boolean>): Promise<Tried> {
  const ready = await prepare(attempt)
  const { report: dryRun, isComplete } = await rehearse(ready)
  if (dryRun.problems.length > 0 || isComplete || !(await consent(dryRun))) return { dryRun }
  return { dryRun, run: await runForReal(ready) }
}

async function prepare({ category, action: name, connection, event: body }: Attempt): Promise<Ready> {
  const action = category.actions[name]
  if (!action) throw new UsageError(`${category.name}/${name} takes its action from the event: name that action.`)
  const { provider, values } = connection
  if (action.kind !== provider.kind) {
    const able = Object.keys(category.actions).filter((other) => category.actions[other]?.kind === provider.kind)
    throw new UsageError(`The provider ${values['provider']} cannot do ${name}; it can do ${able.join(', ')}.`)
  }
  const event = parseEvent(body)
  const asked = validate(action.input, body['input'] ?? {}, { what: 'The input', root: 'input' })
  const input = await completeInput(action, asked, { event, connection: values, provider, silent: true })
  const key = randomBytes(20).toString('hex')
  const deadlineAt = Date.now() + MAX_DURATION_MS
  const signedLink = { token: 'try', url: 'https://webhooks.example.com/approvals/try', deadlineAt }
  return {
    action,
    connection,
    input,
    client: (recorder) =>
      connect(connection, {
        ...{ idempotencyKey: key, isRetry: false, event: originOf(event), deadlineAt },
        ...(action.type === 'approval' ? { signedLink } : {}),
        ...(recorder ? { intercept: (request) => recorder.hold(request) } : {}),
      }),
  }
}

/** Sends what only reads, and shows what else would be sent. */
async function rehearse(ready: Ready): Promise<{ report: Report; isComplete: boolean }> {
  const { action, connection, input } = ready
  const problems: string[] = []
  const recorder = new Recorder()
  const client = ready.client(recorder)
  let message: string | undefined
  try {
    const result = await action.run(connection.provider, client, input)
    const outcome = 'outcome' in result ? result.outcome : result
    message = outcome.message
    // What only reads is carried out here.
    if (outcome.status === 'errored') problems.push(toSentence(message))
  } catch (error) {
    // After a request that was held back, an error is about a response that never came.
    if (recorder.isIncomplete || !recorder.steps.some(({ held }) => held)) problems.push(problemOf(error))
  } finally {
    recorder.stop()
  }
  const { steps } = recorder
  const isComplete = !steps.some(({ held }) => held)
  if (isComplete && message !== undefined && isCreating(action))
    problems.push(
      `find finds something although nothing was created with this key: ${toSentence(message)} It must find only what carries key.`,
    )
  const made = (name: string) => steps.some((step) => step.name === name)
  if (problems.length === 0 && commentOf(input) !== undefined && made('hasComment') && !made('comment'))
    problems.push(
      'hasComment finds something although no comment was added with this key: it must find only what carries key.',
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
    const result = await check(() => action.run(connection.provider, client, input))
    const outcome = result && 'outcome' in result ? result.outcome : result
    if (outcome?.result === 'fail') problems.push(toSentence(outcome.message))
    const acted = recorder.steps.length
    const pending = result && 'job' in result ? result.job : undefined
    // Without a usable response, it may have been created all the same.
    if (outcome !== undefined || client.mayHaveWritten)
      await verify({ ready, client, recorder, check, problems, pending, created: createdId(result) })
    return reportOf(ready, client, recorder, { message: outcome?.message, problems, mayFindNothing: acted })
  } finally {
    recorder.stop()
  }
}

type Result = Awaited<ReturnType<AnyAction['run']>>

/** The id of the ticket or the run. */
function createdId(result: Result | undefined): string | undefined {
  if (result === undefined) return undefined
  if ('job' in result) return (result.job as Partial<Run>).id
  return ('outcome' in result ? result.outcome : result).data['id'] as string | undefined
}

interface Verification {
  ready: Ready
  client: Client
  recorder: Recorder
  /** Runs it, and keeps its failure as a problem. */
  check<T>(run: () => T | Promise<T>): Promise<T | undefined>
  problems: string[]
  pending: unknown
  /** The id of what was created. */
  created: string | undefined
}

/** What was created must be found by its key, and can be read by its id. */
async function verify({ ready, client, recorder, check, problems, pending, created }: Verification): Promise<void> {
  const { action, connection, input } = ready
  const { values } = connection
  const { kind } = connection.provider
  const tickets = connection.provider as unknown as TicketProvider
  const ref = { id: created ?? '', project: (input as TicketRef).project }
  if (!isCreating(action)) {
    if (kind !== 'ticket' || commentOf(input) === undefined || values['hasComment'] === undefined) return
    const found = await check(() => tickets.hasComment(client as never, { ...ref, ...(input as TicketRef) }))
    if (found === false)
      problems.push('hasComment finds nothing, although the comment was added: a repeat would add it again.')
    return
  }
  if (values['find'] !== undefined) {
    const found = await check(() => findSoon(recorder, () => tickets.find(client as never, input as never)))
    if (found === null)
      problems.push('find finds nothing, although it was created: a repeat of the call would create another one.')
    else if (found !== undefined && created !== undefined && found.id !== created)
      problems.push(`find finds ${found.id}, although ${created} was created: it must find only what carries key.`)
  }
  if (created === undefined) return
  if (kind === 'job' && action.type === 'job')
    return void (await check(() => action.job.getStatus(connection.provider, client, input, pending)))
  const read = await check(() => tickets.get?.(client, ref))
  if (read && read.id !== created) problems.push(`get of ${created} finds the id ${read.id}.`)
}

/** @returns null if it is not found after a while */
async function findSoon(
  recorder: Recorder,
  find: () => Promise<{ id: string } | undefined>,
): Promise<{ id: string } | null> {
  const before = recorder.steps.length
  for (const pause of LOOK_UP_PAUSES_MS) {
    await sleep(pause)
    // Only the last look-up is shown.
    recorder.steps.length = before
    const found = await find()
    if (found !== undefined) return found
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
  const steps = recorder.steps.map((step, at) =>
    shownStep(step, { ...options, ...(at < mayFindNothing ? { mayFindNothing: ['find', 'hasComment'] } : {}) }),
  )
  return { steps, ...(message === undefined ? {} : { message: toSentence(message) }), problems }
}

function problemOf(error: unknown): string {
  // What is wrong with the connection or its API. Everything else is our own mistake.
  if (!(error instanceof Failure)) throw error
  return toSentence(messageOf(error))
}
