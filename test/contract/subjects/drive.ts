import { categories } from '../../../functions/index.ts'
import { close, remind } from '../../../shared/approvals/task.ts'
import { parseEvent } from '../../../shared/orchestrators/event.ts'
import { type Action, completeInput, runWith } from '../../../shared/providers/action.ts'
import { connect } from '../../../shared/providers/connect.ts'
import type { Client, Provider } from '../../../shared/providers/provider.ts'
import { type Case, key, type Subject } from '../cases.ts'

// biome-ignore lint/suspicious/noExplicitAny: the actions of a category have several types.
type AnyAction = Action<any, any>

const MAX_POLLS = 10

/**
 * Drives a provider as the framework does: the input checked and completed by the action, the connection by the
 * provider's schema, the calls by the client that ships.
 *
 * @param fields of the connection, but its base URL or, where it is part of AWS, its endpoint; all of them, where the URL goes
 * into another field
 */
export function driveProvider(
  category: string,
  provider: string,
  fields: object | ((url: string) => object),
): Subject['run'] {
  return async (url, row) => {
    const { actions, providers } = find(category)
    const load = providers[provider]
    if (!load) throw new Error(`${category} has no provider ${provider}`)
    const platform = await load()
    const where = 'endpoint' in platform.connection.shape ? { endpoint: url } : { baseUrl: url }
    const given = typeof fields === 'function' ? fields(url) : { ...where, ...fields }
    const values = platform.connection.parse({ ...given, ...row.connection })
    const client = connect(
      { name: 'contract', provider: platform, values },
      {
        idempotencyKey: row.noKey ? undefined : key,
        isRetry: row.isRetry ?? false,
        deadlineAt: Date.now() + 20_000,
        signedLink: { token: `${key}.t.0`, url: 'https://webhooks.example.com/approvals/t', deadlineAt: Date.now() },
      },
    )
    if (row.action === 'check') {
      await platform.check(client)
      return 'checked'
    }
    const action = actions[row.action]
    if (!action) throw new Error(`${category} has no action ${row.action}`)
    const event = parseEvent({
      id: 'an-event',
      type: 'sh.keptn.event.test.triggered',
      shkeptncontext: 'a-context',
      data: { project: 'shop', stage: 'production', service: 'checkout', ...row.data },
    })
    const from = { event, connection: values, provider: platform, silent: row.silent ?? false }
    const asked = action.input.parse(row.input)
    const input = await completeInput(action, asked, from)
    const { result, message } = await endOf(action, platform, client, input, row)
    if (result !== 'pass') throw new Error(`It ended with ${result}: ${message}`)
    return message
  }
}

const decision = { decision: 'approve', by: 'Jane Doe', at: '2026-11-24T15:01:48.000Z' } as const

/** Runs an action to completion. Approvals get a reminder and are closed. */
async function endOf(action: AnyAction, platform: Provider, client: Client, input: unknown, row: Case) {
  const done = await runWith(action, platform, client, input)
  if (done.type !== 'started') return done.outcome
  if (action.type === 'approval') {
    await remind(platform as never, client, input as never, done.job as never)
    await close(platform as never, client, input as never, done.job as never, decision)
    return done.outcome
  }
  if (action.type !== 'job') throw new Error(`${action.summary} does not start a job`)
  if (row.stops) await action.job.stop(platform, client, input, done.job)
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
