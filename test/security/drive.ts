import { categories } from '../../functions/index.ts'
import { close, remind } from '../../shared/approvals/task.ts'
import { parseEvent } from '../../shared/orchestrators/event/event.ts'
import { type Action, completeInput, runWith } from '../../shared/providers/action.ts'
import { connect } from '../../shared/providers/connect.ts'
import type { Client, Provider } from '../../shared/providers/provider.ts'

// biome-ignore lint/suspicious/noExplicitAny: the actions of a category have several types.
type AnyAction = Action<any, any>

/** The next poll would send the same requests. */
const MAX_POLLS = 3
const key = '0123456789abcdef0123456789abcdef01234567'

/** A call of an action. */
export interface DrivenCall {
  action: string
  input?: object
  /** The `data` of the event. */
  data?: object
}

/**
 * Returns a function that drives a provider as the framework does: the action checks and completes the input, the provider's
 * schema parses the connection, and the client of the product sends the requests.
 */
export function driveProvider(category: string, provider: string, connection: object) {
  const { actions, providers } = find(category)
  const load = async () => {
    const platform = await providers[provider]?.()
    if (!platform) throw new Error(`${category} has no provider ${provider}`)
    return { platform, values: platform.connection.parse(connection) }
  }
  let loading: ReturnType<typeof load> | undefined
  return async (call: DrivenCall): Promise<string> => {
    loading ??= load()
    const { platform, values } = await loading
    const client = connect(
      { name: 'driven', provider: platform, values },
      {
        idempotencyKey: key,
        isRetry: false,
        deadlineAt: Date.now() + 20_000,
        signedLink: {
          token: `${key}.t.0`,
          url: 'https://webhooks.example.com/approvals/t',
          readUrl: 'https://webhooks.example.com/approvals/r/read',
          deadlineAt: Date.now(),
        },
      },
    )
    const action = actions[call.action]
    if (!action) throw new Error(`${category} has no action ${call.action}`)
    const event = parseEvent({
      id: 'an-event',
      type: 'sh.keptn.event.test.triggered',
      shkeptncontext: 'a-context',
      data: { project: 'shop', stage: 'production', service: 'checkout', ...call.data },
    })
    const from = { event, connection: values, provider: platform, silent: false }
    const input = await completeInput(action, action.input.parse(call.input), from)
    const { result, message } = await endOf(action, platform, client, input)
    if (result !== 'pass') throw new Error(`It ended with ${result}: ${message}`)
    return message
  }
}

const decision = { decision: 'approve', by: 'Jane Doe', at: '2026-11-24T15:01:48.000Z' } as const

/** Runs an action to completion. Approvals get a reminder and are closed. */
async function endOf(action: AnyAction, platform: Provider, client: Client, input: unknown) {
  const done = await runWith(action, platform, client, input)
  if (done.type !== 'started') return done.outcome
  if (action.type === 'approval') {
    await remind(platform as never, client, input as never, done.job as never)
    await close(platform as never, client, input as never, done.job as never, decision)
    return done.outcome
  }
  if (action.type !== 'job') throw new Error(`${action.summary} does not start a job`)
  for (let { job } = done, polls = 0; polls < MAX_POLLS; polls++) {
    const seen = await action.job.getStatus(platform, client, input, job)
    if ('outcome' in seen) return seen.outcome
    job = seen.job ?? job
  }
  throw new Error(`The job has not ended after ${MAX_POLLS} polls`)
}

function find(name: string) {
  const category = categories.find((one) => one.name === name)
  if (!category) throw new Error(`Unknown category ${name}`)
  return category
}
