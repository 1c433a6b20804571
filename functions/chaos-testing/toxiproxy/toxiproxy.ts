import * as z from 'zod/mini'
import { formatDuration } from '../../../shared/duration.ts'
import { invalidInput, retryLater } from '../../../shared/errors.ts'
import { integer, oneOf, optional, seconds, secret, url, withDescription, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type StartJob } from '../../../shared/providers/job.ts'
import { validate } from '../../../shared/validate.ts'
import { allowList, checkAllowed } from '../blast-radius.ts'

const MAX_FAULT_SECONDS = 86_400

const connection = z.strictObject({
  baseUrl: url("URL of Toxiproxy's HTTP API, such as http://toxiproxy.internal:8474"),
  token: optional(secret('Bearer token of the gateway that protects it; Toxiproxy itself has no authentication')),
  allow: allowList('Proxies to which toxics may be added, by name'),
  target: optional(word('Default proxy')),
  maxDuration: z._default(
    seconds(1, MAX_FAULT_SECONDS, 'Maximum duration of a fault, in seconds or like PT5M. Defaults to 10 minutes'),
    600,
  ),
})
type Connection = z.output<typeof connection>

/** Attributes of each toxic, in milliseconds unless noted. */
const ATTRIBUTES = {
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
type ToxicType = keyof typeof ATTRIBUTES
const types = Object.keys(ATTRIBUTES) as [ToxicType, ...ToxicType[]]

const parameters = z.strictObject({
  type: oneOf(types, 'Type of the toxic'),
  attributes: z._default(
    withDescription(
      z.record(z.string(), integer(0, 2_147_483_647, 'A value')),
      'Attributes of the toxic, by name: {"latency": 300}',
    ),
    {},
  ),
  stream: z._default(
    oneOf(['downstream', 'upstream'], 'Direction: towards the client, or towards the server'),
    'downstream',
  ),
  toxicity: z._default(
    withDescription(z.coerce.number().check(z.gt(0), z.lte(1)), 'Share of connections that the toxic affects'),
    1,
  ),
  duration: z._default(seconds(1, MAX_FAULT_SECONDS, 'Duration, in seconds or like PT1M'), 60),
})

const toxic = z.object({ name: z.string(), type: z.string() })
const failed = z.object({ error: z.string() })

/** State of a fault, saved in the task, that is needed to remove it in time. */
interface FaultState {
  /** Epoch milliseconds. */
  until: number
  /** The time is over and the fault is about to be removed, even if the clock is set back. */
  isExpired?: true
  injected: { type: string; attributes: Record<string, number>; stream: string; toxicity: number; duration: number }
}

/**
 * Toxiproxy, a proxy between a service and its dependencies: adds a toxic for a limited time. Toxiproxy never removes a toxic
 * by itself, so the task does: when the time is over, at the deadline, or in the cleanup of a failed task.
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
    parseFault(input, connection)
  },

  lookUp: { newest: 'all', needs: { text: 'a toxic that was not removed yet' } },

  async find({ http, connection, idempotencyKey, isRetry }, input) {
    const path = `${toxicsOf(input.target)}/${nameOf(idempotencyKey)}`
    const { status, body } = await http.get(path, { accept: [404], schema: toxic })
    if (status !== 404) return runOf(input, connection, idempotencyKey)
    missingReason(body)
    // An earlier attempt may have added a toxic that stop-test removed. That leaves no trace, so do not add it again.
    return isRetry ? 'unknown' : undefined
  },

  async start({ http, connection, idempotencyKey = 'dry-run' }, input) {
    const { duration: _, ...injected } = parseFault(input, connection)
    await http.post(toxicsOf(input.target), { name: nameOf(idempotencyKey), ...injected })
    return runOf(input, connection, idempotencyKey)
  },

  async getStatus({ http }, run) {
    const { proxy, name } = parseId(run.id)
    const path = `${toxicsOf(proxy)}/${segment(name)}`
    const { status, body } = await http.get(path, { accept: [404], schema: toxic })
    const fault = run.providerState as FaultState | undefined
    const data = fault ? { proxy, injected: fault.injected } : { proxy }
    const remaining = fault ? Math.ceil((fault.until - Date.now()) / 1_000) : undefined
    if (status === 404) {
      const reason = missingReason(body)
      if (fault?.isExpired || (remaining !== undefined && remaining <= 0)) return { state: 'removed', data }
      if (/proxy/i.test(reason)) return { state: 'lost', reason: `${reason}: Toxiproxy has no proxy ${proxy}`, data }
      return { state: 'gone', reason: fault && 'it was removed early, by stop-test or manually', data }
    }
    if (fault === undefined || remaining === undefined) return { state: 'injected' }
    if (!fault.isExpired) {
      const progress = `${describe(fault.injected)}, ${Math.max(0, remaining)} s left`
      if (remaining > 0) return { state: 'injected', progress, maxSeconds: remaining, data }
      // Saved before the removal. Otherwise, a removal whose response is lost would look like one by another person.
      return {
        state: 'injected',
        progress,
        pollImmediately: true,
        run: { ...run, providerState: { ...fault, isExpired: true } satisfies FaultState },
        data,
      }
    }
    await remove(http, run.id)
    return { state: 'removed', data }
  },

  parseRunId: ({ id }) => {
    parseId(id)
    return { id } satisfies Run
  },

  stop: ({ http }, run) => remove(http, run.id),

  cleanUp: ({ http, idempotencyKey }, { target }) => remove(http, `${target}/${nameOf(idempotencyKey)}`),
})

/** Returns a fault that starts now. */
function runOf(input: StartJob, connection: Connection, key: string): Run {
  const { duration, ...injected } = parseFault(input, connection)
  return {
    id: `${input.target}/${nameOf(key)}`,
    summary: `${describe(injected)} on ${input.target} for ${formatDuration(duration)}`,
    providerState: { until: Date.now() + duration * 1_000, injected: { ...injected, duration } } satisfies FaultState,
  }
}

/** @throws Failure `invalid`, `refused` */
function parseFault({ target, project, ref, ...input }: StartJob, { allow, maxDuration }: Connection) {
  if (project !== undefined) throw invalidInput('input.project', 'is not supported by Toxiproxy')
  if (ref !== undefined) throw invalidInput('input.ref', 'is not supported by Toxiproxy')
  checkAllowed(allow, target)
  const fault = validate(parameters, input.parameters ?? {}, {
    what: 'The input',
    root: 'input.parameters',
    isNullUnset: true,
  })
  const known: readonly string[] = ATTRIBUTES[fault.type]
  const unknown = Object.keys(fault.attributes).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw invalidInput(
      'input.parameters.attributes',
      `contains "${unknown.slice(0, 60)}", but ${fault.type} has only ${known.join(', ')}`,
    )
  }
  if (fault.duration > maxDuration) {
    throw invalidInput(
      'input.parameters.duration',
      `is ${formatDuration(fault.duration)}, but the connection allows at most ${formatDuration(maxDuration)}`,
    )
  }
  return fault
}

function nameOf(key: string): string {
  return `webhooks-${key.slice(0, 20)}`
}

function toxicsOf(proxy: string): string {
  return `proxies/${segment(proxy)}/toxics`
}

/** Accepts only toxics that this service added, so that others are never removed. */
function parseId(id: string): { proxy: string; name: string } {
  const [, proxy, name] = /^(.+)\/(webhooks-(?:[0-9a-f]{20}|dry-run))$/.exec(id) ?? []
  if (proxy !== undefined && name !== undefined) return { proxy, name }
  throw invalidInput(
    'input.id',
    'must be the data.id that start-test returned, such as checkout-db/webhooks-0123456789abcdef0123',
  )
}

/** Removes a toxic. Toxiproxy responds when no connection is affected by it; a missing toxic counts as removed. */
async function remove(http: Http, id: string): Promise<void> {
  const { proxy, name } = parseId(id)
  const { status, body } = await http.delete(`${toxicsOf(proxy)}/${segment(name)}`, { accept: [404] })
  if (status === 404) missingReason(body)
}

/**
 * Returns Toxiproxy's reason for a 404. A 404 from a gateway in between must not count as the end of a fault.
 *
 * @throws Failure `platform`
 */
function missingReason(body: unknown): string {
  const reason = reasonIn(body)
  if (/^(toxic|proxy) not found/.test(reason)) return reason
  throw retryLater('Received a 404 that is not from Toxiproxy. Check the baseUrl of the connection and any gateway.')
}

function reasonIn(body: unknown): string {
  const parsed = failed.safeParse(body)
  return parsed.success ? parsed.data.error : ''
}

function describe({ type, attributes, stream, toxicity }: Omit<FaultState['injected'], 'duration'>): string {
  const values = Object.entries(attributes).map(([name, value]) => `${name} ${value}`)
  const share = toxicity < 1 ? ` on ${Math.round(toxicity * 100)} % of connections` : ''
  return [`${type} ${stream}`, ...values].join(', ') + share
}
