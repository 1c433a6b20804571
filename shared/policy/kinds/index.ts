import * as z from 'zod/mini'
import { formatDuration } from '../../duration.ts'
import { type Failure, toSentence } from '../../errors.ts'
import type { PolicyCall } from '../call.ts'
import {
  type ApprovalEffect,
  type ApprovalRefusal,
  type ApprovalRule,
  applyApproval,
  approvalSchema,
  describeApproval,
  failureOfApproval,
  refuseSilentApproval,
} from './approval.ts'
import { type AtMostEffect, applyAtMost, describeAtMost, limitRequirementSchema, type StartLimit } from './at-most.ts'
import { applyDeny, type DenyEffect, type DenyRefusal, failureOfDeny } from './deny.ts'
import {
  applyTurn,
  describeTurn,
  failureOfTurn,
  refuseSilentTurn,
  type TurnEffect,
  type TurnRefusal,
  type TurnRequirement,
  turnSchema,
} from './turn.ts'
import {
  applyWindow,
  describeWindow,
  failureOfWindow,
  refuseSilentWindow,
  type WindowEffect,
  type WindowRefusal,
  type WindowRequirement,
  windowRequirementSchema,
} from './window.ts'

/** Each kind of rule is a file of this folder. The switches here lead the compiler to what a new kind lacks. */

/** The effect of a rule on the calls that it matches. */
export type Effect = DenyEffect | WindowEffect | ApprovalEffect | TurnEffect | AtMostEffect

/** A condition for the start of an action. The payload of a task contains it, so that a later policy does not change it. */
export const requirementSchema = z.discriminatedUnion('type', [
  windowRequirementSchema,
  approvalSchema,
  limitRequirementSchema,
  turnSchema,
])

export type Requirement = z.output<typeof requirementSchema>
/** A requirement that is met without the other tasks. */
export type Condition = Exclude<Requirement, TurnRequirement>

/** The types of requirements, in the order in which they are met. */
export const requirementTypes = ['approval', 'window', 'limit', 'turn'] as const satisfies Requirement['type'][]

/** Why a call is refused. */
export type PolicyRefusal = DenyRefusal | WindowRefusal | ApprovalRefusal | TurnRefusal

/** The effect of a rule on a call that arrives. */
export interface Applied {
  refusal?: PolicyRefusal | undefined
  requirement?: Requirement | undefined
  /** A window that is open now, and must still be open when the action starts. */
  startRule?: WindowRequirement | undefined
  /** Is counted directly before the start. */
  startLimit?: StartLimit | undefined
  /** How long its task may wait, in seconds. */
  waitAtMost?: number
  /** How long its action may run, in seconds. */
  runAtMost?: number | undefined
}

/** @param now epoch milliseconds */
export function applyEffect(rule: string, effect: Effect, call: PolicyCall, now: number): Applied {
  switch (effect.type) {
    case 'deny':
      return applyDeny(rule, effect)
    case 'window':
      return applyWindow(rule, effect, call, now)
    case 'approval':
      return applyApproval(rule, effect, call)
    case 'turn':
      return applyTurn(rule, effect, call)
    case 'atMost':
      return applyAtMost(rule, effect, call)
  }
}

/** Describes the effect of a rule in the rest of a sentence about the calls that it matches. */
export function describeEffect(effect: Effect): string {
  switch (effect.type) {
    case 'deny':
      return `are refused: ${toSentence(effect.reason)}`
    case 'approval':
      return `start after ${describeApproval(effect)}. Their tasks wait for at most ${formatDuration(effect.waitAtMost)}.`
    case 'turn':
      return describeTurn(effect)
    case 'atMost':
      return describeAtMost(effect)
    case 'window':
      return describeWindow(effect)
  }
}

/** Returns how a rule asks people. Undefined if it does not. */
export function approvalIn(effect: Effect): ApprovalRule | undefined {
  switch (effect.type) {
    case 'approval':
      return effect
    case 'window':
    case 'atMost':
      return typeof effect.otherwise === 'string' ? undefined : effect.otherwise
    case 'deny':
    case 'turn':
      return undefined
  }
}

/** Returns the response to a call that is refused. */
export function failureOf(refusal: PolicyRefusal, caller: string, now: number): Failure {
  switch (refusal.type) {
    case 'denied':
      return failureOfDeny(refusal, caller)
    case 'closed':
      return failureOfWindow(refusal, now)
    case 'requester':
    case 'unasked':
      return failureOfApproval(refusal, caller)
    case 'incomplete':
      return failureOfTurn(refusal)
  }
}

/** Returns why a silent call is refused, which has no task that could wait. Undefined if the requirement is met now. */
export function refuseSilent(requirement: Requirement, now: number): Failure | undefined {
  const hint = 'Send the call with mode=interactive: its task waits.'
  switch (requirement.type) {
    case 'window':
      return refuseSilentWindow(requirement, now, hint)
    case 'approval':
      return refuseSilentApproval(requirement, hint)
    case 'turn':
      return refuseSilentTurn(requirement, hint)
    case 'limit':
      return undefined
  }
}
