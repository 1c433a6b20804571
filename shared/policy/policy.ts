import type { Freeze, Opening } from './window.ts'

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

/** What a rule does with the calls that it matches. */
export type Effect =
  | { type: 'deny'; reason: string }
  | { type: 'only'; opening: Opening; timeZone: string; otherwise: Otherwise; waitAtMost: number }
  | { type: 'freeze'; freezes: Freeze[]; timeZone: string; otherwise: Otherwise; waitAtMost: number }

/** What happens to a call outside of a window: it is refused, or its task waits. */
export type Otherwise = 'refuse' | 'wait'

/** The facts about a call that rules see. */
export interface PolicyCall {
  category: string
  action: string
  connection: string
  caller: { name: string; isAgent: boolean }
  project: string | undefined
  stage: string | undefined
  service: string | undefined
  /** Completed and typed. */
  input: unknown
}
