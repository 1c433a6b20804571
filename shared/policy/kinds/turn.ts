import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { formatDuration } from '../../duration.ts'
import { Failure } from '../../errors.ts'
import { comparableName, visibleName } from '../place-name.ts'
import { causeOf } from './cause.ts'

/** The parts of a call that a target can consist of. */
const TARGET_PARTS = ['connection', 'project', 'stage', 'service'] as const
type TargetPart = (typeof TARGET_PARTS)[number]

/** The parts of a call from which its target is made. */
interface TargetedCall extends Record<Exclude<TargetPart, 'connection'>, string | undefined> {
  category: string
  connection: string
}

/** The effect of a rule that lets one action run at a time for a target. The others wait in order. */
export interface TurnEffect {
  type: 'turn'
  /** The target, with the parts of the call in braces: `{connection}/{service}`. */
  per: string
  /** Replaces the connection, for targets that several categories change. */
  group?: string | undefined
  /** How many tasks may wait. */
  queue: number
  /** How long the action of a task may run, in seconds. Undefined for its own deadline. */
  turnAtMost?: number | undefined
  /** How long a task waits, in seconds. */
  waitAtMost: number
}

/** The turn that a task takes before its action starts. */
export const turnSchema = z.object({
  type: z.literal('turn'),
  rule: z.string(),
  /** Names the item in the state table. */
  key: z.string(),
  /** The target, for people. */
  target: z.string(),
  queue: z.number(),
  /** How many of these may be of one caller. Undefined in payloads of earlier versions: all. */
  perCaller: z.optional(z.number()),
})

export type TurnRequirement = z.output<typeof turnSchema>

/** A call that lacks a part of the target for which it would wait. */
export interface TurnRefusal {
  type: 'incomplete'
  rule: string
  /** The missing parts. */
  reason: string
}

export function applyTurn(
  rule: string,
  effect: TurnEffect,
  call: TargetedCall,
): { refusal?: TurnRefusal; requirement?: TurnRequirement; waitAtMost: number; runAtMost?: number | undefined } {
  const { waitAtMost, turnAtMost: runAtMost } = effect
  const turn = turnOf(rule, effect, call)
  return 'missing' in turn
    ? { refusal: { rule, type: 'incomplete', reason: turn.missing.join(' and ') }, waitAtMost }
    : { requirement: turn, waitAtMost, runAtMost }
}

export function failureOfTurn({ rule, reason }: TurnRefusal): Failure {
  return new Failure(
    'invalid',
    `${causeOf(rule, '')} lets one action run at a time, and does not know for what: the call names no ${reason}. Send it with the event.`,
  )
}

/** A silent call has no task that could wait for its turn. */
export function refuseSilentTurn({ rule, target }: TurnRequirement, hint: string): Failure {
  return new Failure('closed', `${causeOf(rule, '')} lets one action run at a time for ${target}. ${hint}`)
}

/** A task that does not know when its job ends cannot give its turn up. */
export function refuseDelegatedTurn({ rule }: TurnRequirement, platform: string): Failure {
  return new Failure(
    'invalid',
    `${causeOf(rule, '')} lets one action run at a time, but ${platform} sends the result of this one itself, so its end is not known. Select another one with "connection"`,
  )
}

/** Describes a rule: `run one at a time for {service}. At most 1 task waits, for at most 4 h.` */
export function describeTurn({ per, queue, turnAtMost, waitAtMost }: TurnEffect): string {
  const tasks = queue === 1 ? '1 task waits' : `${queue} tasks wait`
  const lasts = turnAtMost === undefined ? '' : ` Each runs for at most ${formatDuration(turnAtMost)}.`
  return `run one at a time for ${per}. At most ${tasks}, for at most ${formatDuration(waitAtMost)}.${lasts}`
}

/** Returns what is wrong with the text of a target. */
export function targetProblem(per: string): string | undefined {
  const rest = TARGET_PARTS.reduce((text, part) => text.replaceAll(`{${part}}`, ''), per)
  if (!/[{}]/.test(rest)) return undefined
  const known = TARGET_PARTS.map((part) => `{${part}}`).join(', ')
  return `must be a text with the parts ${known}, such as {connection}/{service}`
}

/** Returns whether a rule lets one action run at a time. */
export function hasTurns({ rules }: { rules: readonly { effect: { type: string } }[] }): boolean {
  return rules.some(({ effect }) => effect.type === 'turn')
}

/** Returns the turn of a call, or the parts of its target that it lacks. */
function turnOf(
  rule: string,
  { per, group, queue }: TurnEffect,
  call: TargetedCall,
): TurnRequirement | { missing: TargetPart[] } {
  const values: Record<TargetPart, string> = {
    // Each category has its own connections.
    connection: group ?? `${call.category}/${call.connection}`,
    project: visibleName(call.project ?? ''),
    stage: visibleName(call.stage ?? ''),
    service: visibleName(call.service ?? ''),
  }
  const parts = TARGET_PARTS.filter((part) => per.includes(`{${part}}`))
  const missing = parts.filter((part) => !values[part])
  if (missing.length > 0) return { missing }
  // Values may contain the characters that are between them in the text.
  const compared = (part: TargetPart) => (part === 'connection' ? values[part] : comparableName(values[part]))
  const named = [rule, ...parts.map(compared)]
  return {
    type: 'turn',
    rule,
    key: createHash('sha256').update(JSON.stringify(named)).digest('hex').slice(0, 40),
    target: per.replace(/\{(\w+)\}/g, (_, part: TargetPart) => values[part]),
    queue,
    perCaller: Math.ceil(queue / 2),
  }
}
