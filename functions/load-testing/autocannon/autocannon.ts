import * as z from 'zod/mini'
import { formatDuration } from '../../../shared/duration.ts'
import { invalidInput, refused } from '../../../shared/errors.ts'
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
import { formatInteger } from '../../../shared/text/format-integer.ts'
import { validate } from '../../../shared/validate.ts'
import { isAllowedTarget, problemOf } from '../../../shared/vendors/load-generator/allowed-targets.ts'
import { EMPTY_TALLY, type Plan, type Tally } from '../../../shared/vendors/load-generator/plan.ts'

/** Upper limits of every connection: this generator is for small tests, and a mistake must stay small. */
const MAX = { rate: 500, connections: 200, minutes: 30, timeout: 30 }
const MAX_BODY_LENGTH = 8_192

const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/
/** Headers that decide where a request goes or where it ends. */
const RESERVED_HEADERS = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
]
const isHeader = (value: Record<string, string>) =>
  Object.entries(value).every(
    ([name, text]) =>
      HEADER_NAME.test(name) && !RESERVED_HEADERS.includes(name.toLowerCase()) && /^[\t\x20-\x7e]*$/.test(text),
  )
const onlyHeaders = z.refine<Record<string, string>>(isHeader, {
  message: `must contain only valid header names and values, and none of ${RESERVED_HEADERS.join(', ')}`,
})
const onlyTargets = z.refine<string[]>(
  (list) => list.length > 0 && list.every((url) => !problemOf(url) && !url.includes('?')),
  {
    message: 'must be URLs such as https://shop.example.com/api, without credentials, query or #',
  },
)

const connection = z.strictObject({
  allow: words('URL prefixes that may be called: an array, or text with commas').check(onlyTargets),
  target: optional(word('Default URL to call, below one of allow')),
  headers: optional(
    headers(
      'Headers of every request. A value is secret, and has at least 6 characters, if the name contains auth, cookie, credential, key, passw, secret, session, signature or token',
    ).check(onlyHeaders),
  ),
  secretHeaders: optional(
    secretHeaders('Headers of every request that are secret although their name does not show it').check(onlyHeaders),
  ),
  maxRate: z._default(integer(1, MAX.rate, 'Maximum requests per second of a call, up to 500. Defaults to 50'), 50),
  maxConnections: z._default(
    integer(1, MAX.connections, 'Maximum concurrent connections of a call, up to 200. Defaults to 50'),
    50,
  ),
  maxDuration: z._default(
    seconds(
      1,
      MAX.minutes * 60,
      'Maximum duration of a test, in seconds or like PT5M, up to 30 minutes. Defaults to 5 minutes',
    ),
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
  body: optional(text('Body of the requests').check(z.maxLength(MAX_BODY_LENGTH))),
  rate: z._default(integer(1, MAX.rate, 'Requests per second'), 10),
  connections: z._default(integer(1, MAX.connections, 'Maximum concurrent requests'), 10),
  duration: z._default(seconds(1, MAX.minutes * 60, 'Duration, in seconds or like PT1M'), 30),
  timeout: z._default(seconds(1, MAX.timeout, 'Seconds after which a request fails'), 10),
  expect: z._default(
    withDescription(
      z.pipe(statuses, z.array(z.coerce.number().check(z.gte(100), z.lte(599)))),
      'Statuses that count as success',
    ),
    [],
  ),
})

/** Seconds of load per poll. With the wait for the last responses, far below the limit of one invocation. */
const SEGMENT_SECONDS = 15

/** State saved between two polls. If a poll is interrupted, its segment runs again and counts once. */
interface TestState {
  plan: Plan
  /** The remaining segments, in seconds each. */
  left: number[]
  /** The total number of segments. */
  of: number
  tally: Tally
}

/** The built-in generator for small tests: sends a constant load from inside the task, to allowed URLs only. */
export const autocannon = defineJobProvider({
  title: 'Built-in generator',
  noun: 'load test',
  requiresTask: true,
  runsInTask: true,
  connection,
  // There is no platform to call.
  check: async () => undefined,

  states: { running: 'running', stopping: 'running', finished: 'pass', failed: 'fail', stopped: 'aborted' },
  // A start sends no request: the polls send the load.
  hasIdempotentStart: true,

  checkStart(input, connection) {
    planOf(input, connection)
  },

  async start({ connection, idempotencyKey }, input) {
    const { plan, duration } = planOf(input, connection)
    const left = Array.from({ length: Math.ceil(duration / SEGMENT_SECONDS) }, (_, index) =>
      Math.min(SEGMENT_SECONDS, duration - index * SEGMENT_SECONDS),
    )
    // Only a dry run has no idempotency key.
    if (idempotencyKey !== undefined) await (await runStates()).saveRun(idOf(idempotencyKey), 'running')
    return {
      id: idOf(idempotencyKey ?? 'a-dry-run'),
      summary: `${plan.rate} requests/s of ${plan.method} ${plan.url} for ${formatDuration(duration)}, on at most ${plan.connections} connections`,
      providerState: { plan, left, of: left.length, tally: EMPTY_TALLY } satisfies TestState,
    }
  },

  async getStatus({ connection }, run) {
    const { readRunState, changeRunState } = await runStates()
    const saved = await readRunState(run.id)
    // A call of stop-test knows only the id.
    if (run.providerState === undefined) return { state: saved ?? unknownRun(run.id) }
    const { plan, left, of, tally: before } = run.providerState as TestState
    const isOver = left.length === 0
    if (isOver || saved === 'stopping' || saved === 'stopped') {
      const state = !isOver ? 'stopped' : before.succeeded > 0 ? 'finished' : 'failed'
      await changeRunState(run.id, UNFINISHED, state)
      return { state, ...(await resultsOf(before)) }
    }
    const [length = 0, ...rest] = left
    // Loaded on demand: a webhook only validates calls.
    const { generate } = await import('../../../shared/vendors/load-generator/generator.ts')
    const headers = { ...connection.headers, ...connection.secretHeaders }
    const tally = await generate(plan, length, before, { ...connection, headers })
    const { requests, succeeded } = tally
    return {
      state: 'running',
      progress: `segment ${of - rest.length} of ${of}, ${formatInteger(requests)} requests`,
      pollImmediately: true,
      // If no request has succeeded, end the test early.
      run: { ...run, providerState: { plan, left: succeeded > 0 ? rest : [], of, tally } satisfies TestState },
    }
  },

  // The task reads this before its next segment, and ends the test.
  async stop(_client, run) {
    await (await runStates()).changeRunState(run.id, ['running'], 'stopping')
  },

  // The task that generates the load has ended, so the state would never change again.
  async cleanUp({ idempotencyKey }) {
    await (await runStates()).changeRunState(idOf(idempotencyKey), UNFINISHED, 'stopped')
  },
})

const UNFINISHED = ['running', 'stopping']

function idOf(idempotencyKey: string): string {
  return idempotencyKey.slice(0, 20)
}

/** Loaded on demand: a webhook only validates calls. */
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
  throw refused(`Unknown load test ${id.slice(0, 60)}. Use the data.id that start-test returned.`)
}

/**
 * Returns the plan of a call within the limits of its connection.
 *
 * @throws Failure `invalid`
 */
function planOf(
  { target, project, ref, ...input }: StartJob,
  connection: Connection,
): { plan: Plan; duration: number } {
  if (project !== undefined) throw invalidInput('input.project', 'is not supported by the built-in generator')
  if (ref !== undefined) throw invalidInput('input.ref', 'is not supported by the built-in generator')
  const values = validate(parameters, input.parameters ?? {}, {
    what: 'The input',
    root: 'input.parameters',
    isNullUnset: true,
  })
  const problem = problemOf(target)
  if (problem) throw invalidInput('input.target', problem)
  const url = new URL(target)
  if (!isAllowedTarget(url, connection.allow)) {
    throw invalidInput(
      'input.target',
      `is not allowed: the connection allows URLs below ${connection.allow.join(', ')}`,
    )
  }
  const { duration, rate, connections, method, body } = values
  for (const [name, value, limit] of [
    ['rate', rate, connection.maxRate],
    ['connections', connections, connection.maxConnections],
    ['duration', duration, connection.maxDuration],
  ] as const) {
    if (value <= limit) continue
    const max = name === 'duration' ? formatDuration(limit) : limit
    throw invalidInput(`input.parameters.${name}`, `is ${value}, but the connection allows at most ${max}`)
  }
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw invalidInput('input.parameters.body', `is not supported with ${method}: remove it, or set another method`)
  }
  const { headers, timeout, expect } = values
  return {
    plan: { url: url.href, method, headers, body, rate, connections, timeout, expect },
    duration,
  }
}
