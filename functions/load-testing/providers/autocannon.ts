import * as z from 'zod/mini'
import { formatDuration } from '../../../shared/duration.ts'
import { Failure, toSentence } from '../../../shared/errors.ts'
import {
  headers,
  integer,
  oneOf,
  optional,
  seconds,
  secretHeaders,
  text,
  withDescription,
  word,
  words,
} from '../../../shared/fields.ts'
import { defineJobProvider, type StartJob } from '../../../shared/providers/job.ts'
import { validate } from '../../../shared/validate.ts'
import { faultOf, isAllowed } from '../../../shared/vendors/load-generator/allowed-targets.ts'
import { nothing, type Plan, type Tally } from '../../../shared/vendors/load-generator/plan.ts'

/** What no connection may go beyond: this is for small tests, and a mistake must stay one. */
const most = { rate: 500, connections: 200, minutes: 30, timeout: 30 }
const longestBody = 8_192

const headerName = /^[!#$%&'*+.^_`|~\w-]+$/
/** What decides where a request goes or ends is not the caller's. */
const ownHeaders = ['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'expect', 'te', 'trailer']
const isHeader = (value: Record<string, string>) =>
  Object.entries(value).every(
    ([name, text]) =>
      headerName.test(name) && !ownHeaders.includes(name.toLowerCase()) && /^[\t\x20-\x7e]*$/.test(text),
  )
const onlyHeaders = z.refine<Record<string, string>>(isHeader, {
  message: `must be names and values of headers, without control characters, and none of ${ownHeaders.join(', ')}`,
})
const onlyTargets = z.refine<string[]>(
  (list) => list.length > 0 && list.every((one) => !faultOf(one) && !one.includes('?')),
  {
    message: 'must be URLs such as https://shop.example.com/api, without credentials, query or #',
  },
)

const connection = z.strictObject({
  allow: words('What may be called: URLs, each with all that is below it; an array, or text with commas').check(
    onlyTargets,
  ),
  target: optional(word('Default URL to call, below one of allow')),
  headers: optional(
    headers('Headers of every request; those with the name of a credential, such as authorization, are secret').check(
      onlyHeaders,
    ),
  ),
  secretHeaders: optional(
    secretHeaders('Headers of every request that are secret, although their names do not say so').check(onlyHeaders),
  ),
  maxRate: z._default(integer(1, most.rate, `Most requests per second that a call may ask for; 50 where left out`), 50),
  maxConnections: z._default(integer(1, most.connections, 'Most connections at the same time; 50 where left out'), 50),
  maxDuration: z._default(
    seconds(1, most.minutes * 60, 'Longest test, in seconds or like PT5M; 5 minutes where left out'),
    300,
  ),
})
type Connection = z.output<typeof connection>

const statuses = z.transform((value) =>
  typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [value],
)
const parameters = z.strictObject({
  method: z._default(
    oneOf(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], 'Method of the requests'),
    'GET',
  ),
  headers: z._default(
    withDescription(z.record(z.string(), z.string()), 'Headers of the requests').check(onlyHeaders),
    {},
  ),
  body: optional(text('Body of the requests').check(z.maxLength(longestBody))),
  rate: z._default(integer(1, most.rate, 'Requests per second'), 10),
  connections: z._default(integer(1, most.connections, 'Most requests at the same time'), 10),
  duration: z._default(seconds(1, most.minutes * 60, 'How long, in seconds or like PT1M'), 30),
  timeout: z._default(seconds(1, most.timeout, 'Seconds until a request has failed'), 10),
  expect: z._default(
    withDescription(
      z.pipe(statuses, z.array(z.coerce.number().check(z.gte(100), z.lte(599)))),
      'Statuses that are a success',
    ),
    [],
  ),
})

/** Of one look, in seconds: with the wait for its last answers far below what one invocation of a task may take. */
const segment = 15

/** What is kept from one look to the next: after a look that was cut off, its segment is run again and counted once. */
interface Handle {
  plan: Plan
  /** The segments that are left, in seconds each. */
  left: number[]
  /** How many there were. */
  of: number
  tally: Tally
}

/** A generator of our own for small tests: constant load from inside the task, on URLs that its connection allows. */
export const autocannon = defineJobProvider({
  title: 'Built-in generator',
  noun: 'load test',
  requiresTask: true,
  runsInTask: true,
  connection,
  // There is no platform to ask.
  check: async () => undefined,

  states: { running: 'running', stopping: 'running', finished: 'pass', failed: 'fail', stopped: 'aborted' },
  // A start sends nothing: the looks do.
  hasIdempotentStart: true,

  checkStart(input, connection) {
    planOf(input, connection)
  },

  async start({ connection, idempotencyKey: key }, input) {
    const { plan, duration } = planOf(input, connection)
    const left = Array.from({ length: Math.ceil(duration / segment) }, (_, at) =>
      Math.min(segment, duration - at * segment),
    )
    // Only a dry run has no key.
    if (key !== undefined) await (await runStates()).saveRun(idOf(key), 'running')
    return {
      id: idOf(key ?? 'a-dry-run'),
      summary: `${plan.rate} requests/s of ${plan.method} ${plan.url} for ${formatDuration(duration)}, on at most ${plan.connections} connections`,
      providerState: { plan, left, of: left.length, tally: nothing } satisfies Handle,
    }
  },

  async getStatus({ connection }, run) {
    const { readRunState, changeRunState } = await runStates()
    const noted = await readRunState(run.id)
    // Whoever only stops a test knows nothing but its id.
    if (run.providerState === undefined) return { state: noted ?? unknownRun(run.id) }
    const handle = run.providerState as Handle
    const over = handle.left.length === 0
    if (over || noted === 'stopping' || noted === 'stopped') {
      const state = !over ? 'stopped' : handle.tally.succeeded > 0 ? 'finished' : 'failed'
      await changeRunState(run.id, goingOn, state)
      return { state, ...(await resultsOf(handle.tally)) }
    }
    const { plan, left, of, tally: before } = handle
    const [length = 0, ...rest] = left
    // Loaded when used: what only checks a call does without.
    const { generate } = await import('../../../shared/vendors/load-generator/generator.ts')
    const headers = { ...connection.headers, ...connection.secretHeaders }
    const tally = await generate(plan, length, before, { ...connection, headers })
    const { requests, succeeded } = tally
    return {
      state: 'running',
      progress: `segment ${of - rest.length} of ${of}, ${requests.toLocaleString('en')} requests`,
      pollImmediately: true,
      // What does not work at all need not be tried for longer.
      run: { ...run, providerState: { plan, left: succeeded > 0 ? rest : [], of, tally } satisfies Handle },
    }
  },

  // The task sees it before its next segment, and ends.
  async stop(_client, run) {
    await (await runStates()).changeRunState(run.id, ['running'], 'stopping')
  },

  // Nobody goes on with it: whoever asks is to see that.
  async cleanUp({ idempotencyKey: key }) {
    await (await runStates()).changeRunState(idOf(key), goingOn, 'stopped')
  },
})

const goingOn = ['running', 'stopping']

function idOf(key: string): string {
  return key.slice(0, 20)
}

/** Loaded when used, for the same reason. */
function runStates() {
  return import('../../../shared/state/run-states.ts')
}

async function resultsOf(tally: Tally) {
  const { measure } = await import('../../../shared/vendors/load-generator/generator.ts')
  const metrics = measure(tally)
  const { requests, succeeded, statuses, firstFailure } = tally
  const failures = requests - succeeded
  return {
    reason: failures > 0 ? `${failures} of ${requests} requests failed, the first with: ${firstFailure}` : undefined,
    data: { ...metrics, statuses, ...(firstFailure ? { firstFailure } : {}) },
    metrics,
  }
}

function unknownRun(id: string): never {
  throw new Failure(
    'refused',
    `There is no load test ${id.slice(0, 60)} here: write what start-test answered as data.id.`,
  )
}

/**
 * What a call asks for, within what its connection allows.
 *
 * @throws Failure `invalid`
 */
function planOf(
  { target, project, ref, ...input }: StartJob,
  connection: Connection,
): { plan: Plan; duration: number } {
  if (project !== undefined) throw invalid('project', 'is of no use here: leave it out')
  if (ref !== undefined) throw invalid('ref', 'is of no use here: leave it out')
  const asked = validate(parameters, input.parameters ?? {}, { what: 'The input', root: 'input.parameters' })
  const fault = faultOf(target)
  if (fault) throw invalid('target', fault)
  const url = new URL(target)
  if (!isAllowed(url, connection.allow)) {
    throw invalid('target', `is not allowed: the connection allows what is below ${connection.allow.join(', ')}`)
  }
  const { duration, rate, connections, method, body } = asked
  for (const [name, value, limit] of [
    ['rate', rate, connection.maxRate],
    ['connections', connections, connection.maxConnections],
    ['duration', duration, connection.maxDuration],
  ] as const) {
    if (value <= limit) continue
    const shown = name === 'duration' ? formatDuration(limit) : limit
    throw invalid(`parameters.${name}`, `is ${value}, and the connection allows at most ${shown}`)
  }
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw invalid('parameters.body', `is of no use with ${method}: leave it out, or name another method`)
  }
  const { headers, timeout, expect } = asked
  return {
    plan: { url: url.href, method, headers, body, rate, connections, timeout, expect },
    duration,
  }
}

function invalid(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('invalid', toSentence(`${path} ${message}`), { errors: [{ path, message }] })
}
