import type { ActionEffect } from '../action-effect.ts'
import type { ApprovalRule } from './kinds/approval.ts'
import type { Effect } from './kinds/index.ts'

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
  /** The effects of actions at the platform. */
  effects?: ActionEffect[] | undefined
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
