import * as z from 'zod/mini'
import { type TurnEffect, turnSchema } from './turn-rule.ts'
import { type Window, windowSchema } from './window.ts'

/** The compiled form of `policy.yaml`, which the functions read. */
export interface Policy {
  /** Without it, rules are only logged. */
  enforce: boolean
  rules: Rule[]
  /** For the writes of callers whose entry asks for an approval. */
  approval?: ApprovalRule | undefined
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
  /** JMESPath over the input, with its defaults. Matches unless it is exactly `false`. */
  input?: string | undefined
}

/** The effect of a rule on the calls that it matches. */
export type Effect =
  | { type: 'deny'; reason: string }
  | WindowEffect
  | ({ type: 'approval' } & ApprovalRule)
  | TurnEffect

interface WindowEffect {
  type: 'window'
  window: Window
  /** While the window is closed, a call is refused, its task waits, or people may let it start. */
  otherwise: 'refuse' | 'wait' | ApprovalRule
  /** How long its task waits, in seconds. */
  waitAtMost: number
}

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
  /** How long its task waits, in seconds. */
  waitAtMost: number
}

/** An approval that a task asks for. */
const askSchema = z.object({
  connection: z.string(),
  channel: z.optional(z.string()),
  count: z.number(),
  by: z.optional(z.array(z.string())),
  /** The people who may not decide. */
  excluded: z.optional(z.array(z.string())),
  mayChange: z.optional(z.literal(true)),
})

export type Ask = z.output<typeof askSchema>

/** A condition for the start of an action. The payload of a task contains it, so that a later policy does not change it. */
export const requirementSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('window'),
    /** The name of the rule. */
    rule: z.string(),
    window: windowSchema,
    /** People may let the action start while the window is closed. */
    ask: z.optional(askSchema),
  }),
  z.object({
    type: z.literal('approval'),
    /** The name of the rule. Undefined for the entry of the caller. */
    rule: z.optional(z.string()),
    ask: askSchema,
  }),
  turnSchema,
])

export type Requirement = z.output<typeof requirementSchema>
/** A requirement that is met without the other tasks. Turns are taken last. */
export type Condition = Exclude<Requirement, { type: 'turn' }>

/** The facts about a call that rules see. */
export interface PolicyCall {
  category: string
  action: string
  /** All names of the action, if it was renamed: a rule for one of them is a rule for the action. */
  actionNames?: readonly string[]
  /** The action stops something, or only asks people: only rules that name it restrict it. */
  isFree: boolean
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
