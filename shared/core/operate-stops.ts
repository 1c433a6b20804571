import { randomUUID } from 'node:crypto'
import * as z from 'zod/mini'
import { audit } from '../audit.ts'
import { Failure } from '../errors.ts'
import { optional } from '../fields.ts'
import { log } from '../log.ts'
import { isInForce, type Stop, stopSchema } from '../policy/kinds/stop.ts'
import { clearSecrets } from '../redact.ts'
import { sleep } from '../sleep.ts'
import { validate } from '../validate.ts'
import { sendAuditEvent } from './audit-event.ts'
import { MAX_STOP_AGE_MS } from './start-gate.ts'
import { changeStops, readStops, renewSeal } from './stops.ts'

/** The name of the operator for people, and the ARN. The local runtime has no identities. */
const operator = { by: z.string(), operator: optional(z.string()) }
const { id: _id, by: _by, at: _at, ...conditions } = stopSchema.shape

const stopRequest = z.strictObject({
  operation: z.literal('stop'),
  ...operator,
  ...conditions,
  reason: z.string().check(z.minLength(1), z.maxLength(500)),
})
/** Without an id, all stops are lifted. */
const resumeRequest = z.strictObject({ operation: z.literal('resume'), ...operator, id: optional(z.string()) })
const request = z.union([z.strictObject({ operation: z.literal('list') }), stopRequest, resumeRequest])

export type StopsRequest = z.input<typeof request>

export interface StopsResult {
  /** All stops that are left, also those that have ended by themselves. */
  stops: readonly Stop[]
  /** Those that the request has set or lifted. */
  changed: readonly Stop[]
}

/** A refusal is a value: Lambda counts thrown errors as those of the function. */
export type StopsReply = StopsResult | { refusal: string }

/**
 * Handles an invocation by an operator or by the schedule. Only this function may change the stops, so each change has a record. It
 * responds to `stop` when the stop is in force everywhere.
 *
 * @param sent untrusted
 */
export async function stopsHandler(sent: unknown): Promise<StopsReply> {
  clearSecrets()
  try {
    const asked = validate(request, sent, { what: 'The request' })
    const result = await operate(asked)
    const stopsInForce = result.stops.filter((stop) => isInForce(stop, Date.now())).length
    log.info('stops', { stopsInForce })
    if (asked.operation === 'stop') await sleep(MAX_STOP_AGE_MS)
    return result
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { refusal: error.message }
  }
}

async function operate(asked: z.output<typeof request>): Promise<StopsResult> {
  switch (asked.operation) {
    case 'list':
      await renewSeal()
      return { stops: await readStops(), changed: [] }
    case 'stop': {
      const { operation, operator: arn, ...conditions } = asked
      const stop: Stop = { ...conditions, id: randomUUID().slice(0, 8), at: Date.now() }
      const stops = await changeStops((known) => [...known, stop])
      await record(operation, stop, arn ?? stop.by)
      return { stops, changed: [stop] }
    }
    case 'resume':
      return resume(asked)
  }
}

async function resume({ id, by, operator: arn }: z.output<typeof resumeRequest>): Promise<StopsResult> {
  let lifted: readonly Stop[] = []
  const stops = await changeStops((known) => {
    lifted = id === undefined ? known : known.filter((stop) => stop.id === id)
    if (lifted.length === 0)
      throw new Failure('invalid', id === undefined ? 'Nothing is stopped.' : `There is no stop ${id}.`)
    return known.filter((stop) => !lifted.includes(stop))
  })
  for (const stop of lifted) await record('resume', stop, arn ?? by)
  return { stops, changed: lifted }
}

async function record(operation: 'stop' | 'resume', { by: _, at: _at, ...stop }: Stop, by: string): Promise<void> {
  // The item with stops that cannot be verified may be written again several times.
  const auditId = `${operation}-${stop.id === 'unverified' ? randomUUID() : stop.id}`
  audit.start({ operation, auditId, outcome: 'accepted', by, stop })
  await sendAuditEvent(audit.write(undefined))
}
