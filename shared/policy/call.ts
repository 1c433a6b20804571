import type { ActionEffect } from '../action-effect.ts'

/** The facts about a call that rules see. */
export interface PolicyCall {
  category: string
  action: string
  /** All names of the action, if it was renamed: a rule for one of them is a rule for the action. */
  actionNames?: readonly string[]
  /** The action stops something, or only asks people: only rules that name it restrict it. */
  isFree: boolean
  /** The action stops something: the caller's right to write does not restrict it. */
  isStop: boolean
  /** Undefined if it is not known: then conditions on the effect match. */
  effect: ActionEffect | undefined
  connection: string
  caller: PolicyCaller
  project: string | undefined
  stage: string | undefined
  service: string | undefined
  /** Typed, with defaults. Undefined if it is not known: then conditions on the input match. */
  input: unknown
}

/** The parts of a caller's entry that the policy needs. */
export interface PolicyCaller {
  name: string
  isAgent: boolean
  /** The right to start actions, without any rule. */
  writes: 'allow' | 'approve' | 'deny'
  /** The people behind it. */
  owners: readonly string[]
}
