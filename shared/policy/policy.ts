import * as z from 'zod/mini'
import { type Window, windowSchema } from './window.ts'

/** The compiled form of `policy.yaml`, which the functions read. */
export interface Policy {
  /** Without it, rules are only logged. */
  enforce: boolean
  rules: Rule[]
}

/** A rule restricts the calls that it matches. */
export interface Rule {
  name: string
  when: When
  effect: Effect
}

/** Which calls a rule matches: all conditions together. Names are patterns, whose `*` stands for any characters. */
export interface When {
  /** `<category>/<action>`. */
  actions?: string[] | undefined
  /** `<category>/<connection>`, or the name of a connection. */
  connections?: string[] | undefined
  /** The names of callers. */
  callers?: string[] | undefined
  /** Only callers with `"agent": true`. */
  agents?: boolean | undefined
  projects?: string[] | undefined
  stages?: string[] | undefined
  services?: string[] | undefined
  /** JMESPath over the completed input. Matches unless it is exactly `false`. */
  input?: string | undefined
}

/** The effect of a rule on the calls that it matches. */
export type Effect = { type: 'deny'; reason: string } | WindowEffect

interface WindowEffect {
  type: 'window'
  window: Window
  /** While the window is closed, a call is refused, or its task waits. */
  otherwise: 'refuse' | 'wait'
  /** How long its task waits, in seconds. */
  waitAtMost: number
}

/** A condition for the start of an action. The payload of a task contains it, so that a later policy does not change it. */
export const requirementSchema = z.object({
  type: z.literal('window'),
  /** The name of the rule. */
  rule: z.string(),
  window: windowSchema,
})

export type Requirement = z.output<typeof requirementSchema>

/** The facts about a call that rules see. */
export interface PolicyCall {
  category: string
  action: string
  /** All names of the action, if it was renamed: a rule for one of them is a rule for the action. */
  actionNames?: readonly string[]
  /** The action stops something: only rules that name it restrict it. */
  isStop: boolean
  connection: string
  caller: { name: string; isAgent: boolean }
  project: string | undefined
  stage: string | undefined
  service: string | undefined
  /** Completed and typed. */
  input: unknown
}
