import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { sourceOfCaller } from '../../source-name.ts'
import type { PolicyCall } from '../call.ts'
import { describePeople } from '../people.ts'
import { causeOf } from './cause.ts'

/** The people who have to approve an action, and how they are asked. */
export interface ApprovalRule {
  /** Connection and channel of `notification`. Without a channel, that of the connection. */
  connection: string
  channel?: string | undefined
  /** How many people have to approve. */
  count: number
  /** The people who may decide. Undefined for everybody in the channel. */
  by?: string[] | undefined
  /** The owners of the caller may not decide. */
  notRequester: boolean
  /** `run`: even if what would be sent has changed since people were asked. */
  changed: 'fail' | 'run'
  /** People decide only on the page, which shows the complete request. */
  complete?: boolean | undefined
  /** How long its task waits, in seconds. */
  waitAtMost: number
}

/** Lets an action start after people have approved it. */
export type ApprovalEffect = { type: 'approval' } & ApprovalRule

/** An approval that a task asks for. */
export const askSchema = z.object({
  connection: z.string(),
  channel: z.optional(z.string()),
  count: z.number(),
  by: z.optional(z.array(z.string())),
  /** The people who may not decide. */
  excluded: z.optional(z.array(z.string())),
  mayChange: z.optional(z.literal(true)),
  /** Decisions are accepted only on the page. */
  complete: z.optional(z.literal(true)),
})

export type Ask = z.output<typeof askSchema>

export const approvalSchema = z.object({
  type: z.literal('approval'),
  /** The name of the rule. Undefined for the entry of the caller. */
  rule: z.optional(z.string()),
  ask: askSchema,
})

export type ApprovalRequirement = z.output<typeof approvalSchema>

/** A call whose people cannot be asked. */
export interface ApprovalRefusal {
  /** `requester`: the requester may not approve, and is not known. `unasked`: nothing says how to ask people. */
  type: 'requester' | 'unasked'
  /** Undefined for the entry of the caller. */
  rule: string | undefined
}

export function applyApproval(
  rule: string | undefined,
  approval: ApprovalRule,
  call: PolicyCall,
): { refusal?: ApprovalRefusal; requirement: ApprovalRequirement; waitAtMost: number } {
  const { waitAtMost } = approval
  const { refusal, ask } = askFor(rule, approval, call)
  return { refusal, requirement: { type: 'approval', rule, ask }, waitAtMost }
}

/** Returns the approval that a call needs, and why people cannot be asked. */
export function askFor(
  rule: string | undefined,
  { connection, channel, count, by, notRequester, changed, complete }: ApprovalRule,
  { caller: { owners } }: PolicyCall,
): { refusal?: ApprovalRefusal; ask: Ask } {
  const ask = {
    connection,
    channel,
    count,
    by,
    excluded: notRequester ? [...owners] : undefined,
    mayChange: changed === 'run' ? (true as const) : undefined,
    complete: complete ? (true as const) : undefined,
  }
  return notRequester && owners.length === 0 ? { refusal: { rule, type: 'requester' }, ask } : { ask }
}

export function failureOfApproval({ type, rule }: ApprovalRefusal, caller: string): Failure {
  const cause = causeOf(rule, caller)
  if (type === 'unasked')
    return new Failure(
      'forbidden',
      `${cause} requires an approval of each write, but the policy does not say how to ask people. Add the section approval to policy.yaml.`,
    )
  const hint =
    sourceOfCaller(caller) === undefined
      ? `Add "owners" to the entry of ${caller} in the secret callers, or let the person sign in.`
      : 'An alert has no requester: omit notRequester for its calls.'
  return new Failure(
    'forbidden',
    `${cause} requires an approval by another person than the requester, who is not known. ${hint}`,
  )
}

/** A silent call has no task that could ask. */
export function refuseSilentApproval({ rule }: ApprovalRequirement, hint: string): Failure {
  const cause = rule === undefined ? 'The entry of the caller' : `The rule "${rule}" of the policy`
  return new Failure('closed', `${cause} requires an approval of this call. ${hint}`)
}

/** Says where people are asked: `asked in #ops by the connection chat`. */
export function describePlace({ connection, channel }: Pick<Ask, 'connection' | 'channel'>): string {
  return `asked ${channel === undefined ? '' : `in ${channel} `}by the connection ${connection}`
}

/** Describes a rule: `an approval of jane, asked in #ops by the connection chat`. */
export function describeApproval({ count, by, notRequester, connection, channel, complete }: ApprovalRule): string {
  const people = by ? describePeople(by) : 'anybody in the channel'
  const except = notRequester ? ', but not of the owners of the caller' : ''
  return `${count === 1 ? 'an approval' : `${count} approvals`} of ${people}${except}, ${describePlace({ connection, channel })}${complete ? ', decided on the page with the complete request' : ''}`
}
