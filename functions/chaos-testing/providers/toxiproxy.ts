import * as z from 'zod/mini'
import { formatDuration } from '../../../shared/duration.ts'
import { Failure, toSentence } from '../../../shared/errors.ts'
import { integer, oneOf, optional, seconds, secret, url, withDescription, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type StartJob } from '../../../shared/providers/job.ts'
import { validate } from '../../../shared/validate.ts'
import { allowed, refuseOutside } from '../blast-radius.ts'

const longestFault = 86_400

const connection = z.strictObject({
  baseUrl: url("Where Toxiproxy's HTTP API is, such as http://toxiproxy.internal:8474"),
  token: optional(secret('Bearer token of what guards it, since Toxiproxy itself asks for none')),
  allow: allowed('Proxies that may be made toxic, by their name'),
  target: optional(word('Default proxy')),
  maxDuration: z._default(
    seconds(1, longestFault, 'Longest fault, in seconds or like PT5M; 10 minutes where left out'),
    600,
  ),
})
type Connection = z.output<typeof connection>

/** The attributes of each toxic: milliseconds, but for what is said otherwise. */
const toxics = {
  latency: ['latency', 'jitter'],
  /** KB per second. */
  bandwidth: ['rate'],
  slow_close: ['delay'],
  timeout: ['timeout'],
  reset_peer: ['timeout'],
  /** Bytes, bytes, microseconds. */
  slicer: ['average_size', 'size_variation', 'delay'],
  /** Bytes. */
  limit_data: ['bytes'],
} as const
type ToxicType = keyof typeof toxics
const types = Object.keys(toxics) as [ToxicType, ...ToxicType[]]

const parameters = z.strictObject({
  type: oneOf(types, 'The toxic'),
  attributes: z._default(
    withDescription(
      z.record(z.string(), integer(0, 2_147_483_647, 'A value')),
      'What it takes, by name: {"latency": 300}',
    ),
    {},
  ),
  stream: z._default(oneOf(['downstream', 'upstream'], 'Towards the client, or towards the server'), 'downstream'),
  toxicity: z._default(
    withDescription(z.coerce.number().check(z.gt(0), z.lte(1)), 'Share of connections that it meets'),
    1,
  ),
  duration: z._default(seconds(1, longestFault, 'How long, in seconds or like PT1M'), 60),
})

const toxic = z.object({ name: z.string(), type: z.string() })
const failed = z.object({ error: z.string() })

/** What it takes to remove it in time; kept in the task. */
interface Handle {
  /** Epoch milliseconds. */
  until: number
  /** Whether its time is over: then it is removed, whatever a clock that was set back may say. */
  over?: true
  injected: { type: string; attributes: Record<string, number>; stream: string; toxicity: number; duration: number }
}

/**
 * Toxiproxy, between a service and what it depends on: a toxic for a while. Toxiproxy itself never removes one, so the task
 * does: at its end, at the deadline, and whatever becomes of the task.
 *
 * @see https://github.com/Shopify/toxiproxy#http-api
 */
export const toxiproxy = defineJobProvider({
  title: 'Toxiproxy',
  noun: 'fault',
  requiresTask: true,
  connection,
  headers: ({ token }): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {}),
  check: ({ http }) => http.get('version'),

  states: { injected: 'running', removed: 'pass', gone: 'aborted', lost: 'errored' },

  checkStart(input, connection) {
    faultOf(input, connection)
  },

  async find({ http, connection, idempotencyKey: key, isRetry: repeated }, input) {
    const path = `${toxicsOf(input.target)}/${nameOf(key)}`
    const { status, body } = await http.get(path, { accept: [404], schema: toxic })
    if (status !== 404) return runOf(input, connection, key)
    goneFrom(body)
    // What an earlier try may have injected, and stop-test removed, has left no trace: it must not come again.
    return repeated ? 'unknown' : undefined
  },

  async start({ http, connection, idempotencyKey: key = 'dry-run' }, input) {
    const { duration: _, ...injected } = faultOf(input, connection)
    await http.post(toxicsOf(input.target), { name: nameOf(key), ...injected })
    return runOf(input, connection, key)
  },

  async getStatus({ http }, run) {
    const { proxy, name } = partsOf(run.id)
    const path = `${toxicsOf(proxy)}/${segment(name)}`
    const { status, body } = await http.get(path, { accept: [404], schema: toxic })
    const handle = run.providerState as Handle | undefined
    const over = handle?.over
    const data = handle ? { proxy, injected: handle.injected } : { proxy }
    const left = handle ? Math.ceil((handle.until - Date.now()) / 1_000) : undefined
    if (status === 404) {
      const reason = goneFrom(body)
      // Of whom only stops it nothing more is known; a task has an end of its own.
      if (over || (left !== undefined && left <= 0)) return { state: 'removed', data }
      if (/proxy/i.test(reason)) return { state: 'lost', reason: `${reason}: Toxiproxy does not have ${proxy}`, data }
      return { state: 'gone', reason: handle && 'it was removed before its time, by stop-test or by hand', data }
    }
    if (handle === undefined || left === undefined) return { state: 'injected' }
    if (!over) {
      const step = `${wordsOf(handle.injected)}, ${Math.max(0, left)} s left`
      if (left > 0) return { state: 'injected', progress: step, maxSeconds: left, data }
      // Kept before it is removed: else a removal whose answer is lost could be taken for somebody else's.
      return {
        state: 'injected',
        progress: step,
        pollImmediately: true,
        run: { ...run, providerState: { ...handle, over: true } satisfies Handle },
        data,
      }
    }
    await remove(http, run.id)
    return { state: 'removed', data }
  },

  parseRunId: ({ id }) => {
    partsOf(id)
    return { id } satisfies Run
  },

  stop: ({ http }, run) => remove(http, run.id),

  cleanUp: ({ http, idempotencyKey: key }, { target }) => remove(http, `${target}/${nameOf(key)}`),
})

/** The fault that begins now. */
function runOf(input: StartJob, connection: Connection, key: string): Run {
  const { duration, ...injected } = faultOf(input, connection)
  return {
    id: `${input.target}/${nameOf(key)}`,
    summary: `${wordsOf(injected)} on ${input.target} for ${formatDuration(duration)}`,
    providerState: { until: Date.now() + duration * 1_000, injected: { ...injected, duration } } satisfies Handle,
  }
}

/** @throws Failure `invalid`, `refused` */
function faultOf({ target, project, ref, ...input }: StartJob, { allow, maxDuration }: Connection) {
  if (project !== undefined) throw invalid('project', 'is of no use here: leave it out')
  if (ref !== undefined) throw invalid('ref', 'is of no use here: leave it out')
  refuseOutside(allow, target)
  const asked = validate(parameters, input.parameters ?? {}, { what: 'The input', root: 'input.parameters' })
  const known: readonly string[] = toxics[asked.type]
  const strange = Object.keys(asked.attributes).find((name) => !known.includes(name))
  if (strange !== undefined) {
    throw invalid('parameters.attributes', `holds "${strange.slice(0, 60)}", and ${asked.type} has ${known.join(', ')}`)
  }
  if (asked.duration > maxDuration) {
    throw invalid(
      'parameters.duration',
      `is ${asked.duration}, and the connection allows at most ${formatDuration(maxDuration)}`,
    )
  }
  return asked
}

function invalid(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('invalid', toSentence(`${path} ${message}`), { errors: [{ path, message }] })
}

function nameOf(key: string): string {
  return `webhooks-${key.slice(0, 20)}`
}

function toxicsOf(proxy: string): string {
  return `proxies/${segment(proxy)}/toxics`
}

/** Only faults of ours: what others have made is not ours to remove. */
function partsOf(id: string): { proxy: string; name: string } {
  const [, proxy, name] = /^(.+)\/(webhooks-(?:[0-9a-f]{20}|dry-run))$/.exec(id) ?? []
  if (proxy !== undefined && name !== undefined) return { proxy, name }
  const message = 'must be what start-test answered as data.id, like checkout-db/webhooks-0123456789abcdef0123'
  throw new Failure('invalid', `input.id ${message}`, { errors: [{ path: 'input.id', message }] })
}

/** Toxiproxy answers when no connection is met by it any more; what is not there is removed. */
async function remove(http: Http, id: string): Promise<void> {
  const { proxy, name } = partsOf(id)
  const { status, body } = await http.delete(`${toxicsOf(proxy)}/${segment(name)}`, { accept: [404] })
  if (status === 404) goneFrom(body)
}

/**
 * What is not there any more, in Toxiproxy's own words: a 404 of anything between us and it must not pass for an end.
 *
 * @throws Failure `platform`
 */
function goneFrom(body: unknown): string {
  const reason = reasonIn(body)
  if (/^(toxic|proxy) not found/.test(reason)) return reason
  throw new Failure('platform', 'There was a 404 that is not one of Toxiproxy.')
}

function reasonIn(body: unknown): string {
  const parsed = failed.safeParse(body)
  return parsed.success ? parsed.data.error : ''
}

function wordsOf({ type, attributes, stream, toxicity }: Omit<Handle['injected'], 'duration'>): string {
  const values = Object.entries(attributes).map(([name, value]) => `${name} ${value}`)
  const share = toxicity < 1 ? ` on ${Math.round(toxicity * 100)} % of connections` : ''
  return [`${type} ${stream}`, ...values].join(', ') + share
}
