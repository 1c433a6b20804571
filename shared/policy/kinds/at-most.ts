import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { canonicalJson } from '../../canonical-json.ts'
import { formatDuration } from '../../duration.ts'
import { isRecord } from '../../record.ts'
import type { PolicyCall } from '../call.ts'
import { comparableName, visibleName } from '../place-name.ts'
import { describeTime } from '../time-zone.ts'
import {
  type ApprovalRefusal,
  type ApprovalRule,
  askFor,
  askSchema,
  describeApproval,
  describePlace,
} from './approval.ts'
import { causeOf } from './cause.ts'

/** Longer sets of starts would not fit into one item of the state table. */
export const MAX_STARTS = 1_000
const MAX_SHOWN_VALUE = 100
const PARTS = ['connection', 'project', 'stage', 'service', 'caller'] as const
const PART = /\{(connection|project|stage|service|caller|input(?:\.[A-Za-z_][\w-]*)+)\}/g

/** Limits how many actions start for a target in a period: a breaker against loops. */
export interface AtMostEffect {
  type: 'atMost'
  count: number
  /** In seconds. */
  per: number
  /** The target, with parts of the call in braces: `{connection}/{input.target}`. */
  for: string
  /** Above the limit, an action is refused, its task waits, or people may let it start. */
  otherwise: 'refuse' | 'wait' | ApprovalRule
  /** How long its task waits, in seconds. */
  waitAtMost: number
}

/** A limit that is counted directly before the start. The payload of a task contains it. */
export const startLimitSchema = z.object({
  /** The name of the rule. */
  rule: z.string(),
  /** Names the item in the state table. */
  key: z.string(),
  /** The target, for people. */
  target: z.string(),
  count: z.number(),
  /** In seconds. */
  per: z.number(),
})

/** A limit for which a task waits. It also waits for its turns afterwards, so it is counted later. */
export const limitRequirementSchema = z.extend(startLimitSchema, {
  type: z.literal('limit'),
  /** People may let the action start above the limit. */
  ask: z.optional(askSchema),
})

export type StartLimit = z.output<typeof startLimitSchema>
export type LimitRequirement = z.output<typeof limitRequirementSchema>

export function applyAtMost(
  rule: string,
  effect: AtMostEffect,
  call: PolicyCall,
): {
  refusal?: ApprovalRefusal | undefined
  startLimit?: StartLimit
  requirement?: LimitRequirement
  waitAtMost?: number
} {
  const { count, per, otherwise, waitAtMost } = effect
  const { target, key } = targetOf(rule, effect.for, call)
  const limit = { rule, key, target, count, per }
  if (otherwise === 'refuse') return { startLimit: limit }
  const { refusal, ask } = otherwise === 'wait' ? {} : askFor(rule, otherwise, call)
  return { refusal, requirement: { type: 'limit', ...limit, ask }, waitAtMost }
}

/**
 * Describes why an action may not start: `No loops allows 5 starts in 1 h for shop, and the next one on Monday, 2026-12-07 08:00 UTC`.
 *
 * @param opensAt when the next action may start, in epoch milliseconds
 */
export function describeReached(limit: StartLimit, opensAt: number): string {
  return `${causeOf(limit.rule, '')} allows ${startsOf(limit)} for ${limit.target}, and the next one on ${describeTime(opensAt, 'UTC')}`
}

/** Describes what a task waits for: `Waits until Monday, 2026-12-07 08:00 UTC: 5 starts in 1 h for shop (no loops)`. */
export function describeLimitWait(limit: LimitRequirement, opensAt: number): string {
  const orApproved = limit.ask ? `, or for an approval, ${describePlace(limit.ask)}` : ''
  return `Waits until ${describeTime(opensAt, 'UTC')}${orApproved}: ${startsOf(limit)} for ${limit.target} (${limit.rule})`
}

/** `At most 5 starts in 1 h for shop`. */
export function describeLimit(limit: StartLimit): string {
  return `At most ${startsOf(limit)} for ${limit.target}`
}

/** Describes a rule: `start at most 5 times in 1 h for {connection}. Others are refused.` */
export function describeAtMost({ count, per, for: target, otherwise, waitAtMost }: AtMostEffect): string {
  const waits = `The tasks of others wait for at most ${formatDuration(waitAtMost)}`
  const others =
    otherwise === 'refuse'
      ? 'Others are refused'
      : otherwise === 'wait'
        ? waits
        : `${waits}, or until ${describeApproval(otherwise)}`
  return `start at most ${count === 1 ? 'once' : `${count} times`} in ${formatDuration(per)} for ${target}. ${others}.`
}

/** Returns what is wrong with the text of a target. */
export function limitTargetProblem(text: string): string | undefined {
  if (!/[{}]/.test(text.replace(PART, ''))) return undefined
  const known = PARTS.map((part) => `{${part}}`).join(', ')
  return `must be a text with the parts ${known} and {input.<field>}, such as {connection}/{input.target}`
}

/** Returns whether a rule limits starts. */
export function hasStartLimits({ rules }: { rules: readonly { effect: { type: string } }[] }): boolean {
  return rules.some(({ effect }) => effect.type === 'atMost')
}

function startsOf({ count, per }: StartLimit): string {
  return `${count} ${count === 1 ? 'start' : 'starts'} in ${formatDuration(per)}`
}

/** Calls that lack a part of the target have one counter: leaving it out avoids no limit. */
function targetOf(rule: string, text: string, call: PolicyCall): Pick<StartLimit, 'target' | 'key'> {
  const parts = [...text.matchAll(PART)].map(([, part = '']) => part)
  // Values may contain the characters that are between them in the text.
  const named = [rule, ...parts.map((part) => comparedValue(part, call))]
  return {
    key: createHash('sha256').update(JSON.stringify(named)).digest('hex').slice(0, 40),
    target: text.replace(
      PART,
      (_, part: string) => visibleName(shownValue(part, call)).slice(0, MAX_SHOWN_VALUE) || '-',
    ),
  }
}

function comparedValue(part: string, call: PolicyCall): string {
  if (part === 'connection' || part === 'caller') return shownValue(part, call)
  const value = partOf(part, call) ?? ''
  return typeof value === 'string' ? comparableName(value) : canonicalJson(value)
}

function shownValue(part: string, call: PolicyCall): string {
  // Each category has its own connections.
  if (part === 'connection') return `${call.category}/${call.connection}`
  const value = partOf(part, call) ?? ''
  return typeof value === 'string' ? value : canonicalJson(value)
}

function partOf(part: string, { caller, project, stage, service, input }: PolicyCall): unknown {
  const [first = '', ...fields] = part.split('.')
  const values: Record<string, unknown> = { caller: caller.name, project, stage, service, input }
  return fields.reduce<unknown>(
    (value, field) => (isRecord(value) && Object.hasOwn(value, field) ? value[field] : undefined),
    values[first],
  )
}
