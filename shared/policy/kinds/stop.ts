import * as z from 'zod/mini'
import { Failure, toSentence } from '../../errors.ts'
import { isAnyOf, matchesAction, matchesConnection } from '../names.ts'

/** An action that is about to start. */
export interface StartingAction {
  category: string
  /** All names of the action, if it was renamed. */
  actionNames: readonly string[]
  /** The name that its caller has used, if the connection maps it to the action. */
  mappingName?: string | undefined
  /** The action stops something: only a stop that names it applies. */
  isFree: boolean
  connection: string
  caller: string
}

const patterns = z.optional(z.array(z.string()))

/**
 * A stop, which people set in an incident: nothing that it matches starts until they lift it. A change of the policy would take
 * minutes. Its conditions are those of rules; without one, it stops everything.
 */
export const stopSchema = z.object({
  id: z.string(),
  reason: z.string(),
  /** The person who has set it. */
  by: z.string(),
  /** When it was set, in epoch milliseconds. */
  at: z.number(),
  /** `<category>/<action>`. */
  actions: patterns,
  /** Actions that continue, `<category>/<action>`: usually the repair. */
  except: patterns,
  connections: patterns,
  callers: patterns,
  /** When it ends by itself, in epoch milliseconds. */
  until: z.optional(z.number()),
  /** Ends the tasks that it matches, instead of letting them wait. */
  end: z.optional(z.literal(true)),
  /** Refuses new interactive calls, instead of accepting calls that wait. */
  refuse: z.optional(z.literal(true)),
})

export type Stop = z.output<typeof stopSchema>

/** How long a caller should wait before it sends a call again, in seconds. */
const RETRY_AFTER_SECONDS = 60

/**
 * Returns the stop that applies to an action. One that ends tasks wins.
 *
 * @param now epoch milliseconds
 */
export function findStop(stops: readonly Stop[], action: StartingAction, now: number): Stop | undefined {
  const matching = stops.filter((stop) => isInForce(stop, now) && matchesStop(stop, action))
  return matching.find(({ end }) => end) ?? matching[0]
}

/** @param now epoch milliseconds */
export function isInForce({ until }: Stop, now: number): boolean {
  return until === undefined || now < until
}

function matchesStop(stop: Stop, action: StartingAction): boolean {
  const { category, actionNames, mappingName, isFree, connection, caller } = action
  const names = [...actionNames, ...(mappingName === undefined ? [] : [mappingName])].map(
    (name) => `${category}/${name}`,
  )
  return (
    matchesAction(stop.actions, names, isFree) &&
    !names.some((name) => isAnyOf(stop.except ?? [], name)) &&
    matchesConnection(stop.connections, category, connection) &&
    (stop.callers === undefined || isAnyOf(stop.callers, caller))
  )
}

/** `Stopped by jane@example.com: bad release`. */
export function describeStop({ by, reason }: Stop): string {
  return `Stopped by ${by}: ${reason}`
}

/**
 * Returns the response to a call that no task can hold.
 *
 * @param before a sentence about earlier attempts
 */
export function failureOfStop(description: string, before = 'Nothing was started.'): Failure {
  return new Failure('stopped', `${toSentence(description)} ${before} Send the call again when the stop is lifted.`, {
    retryAfter: RETRY_AFTER_SECONDS,
  })
}
