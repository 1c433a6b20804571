import { createHash } from 'node:crypto'
import * as z from 'zod/mini'

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
})

export type TurnRequirement = z.output<typeof turnSchema>

/** Returns what is wrong with the text of a target. */
export function targetProblem(per: string): string | undefined {
  const rest = TARGET_PARTS.reduce((text, part) => text.replaceAll(`{${part}}`, ''), per)
  if (!/[{}]/.test(rest)) return undefined
  const known = TARGET_PARTS.map((part) => `{${part}}`).join(', ')
  return `must be a text with the parts ${known}, such as {connection}/{service}`
}

/** Returns the turn of a call, or the parts of its target that it lacks. */
export function turnOf(
  rule: string,
  { per, group, queue }: TurnEffect,
  call: TargetedCall,
): TurnRequirement | { missing: TargetPart[] } {
  const values: Record<TargetPart, string | undefined> = {
    // Each category has its own connections.
    connection: group ?? `${call.category}/${call.connection}`,
    project: call.project,
    stage: call.stage,
    service: call.service,
  }
  const parts = TARGET_PARTS.filter((part) => per.includes(`{${part}}`))
  const missing = parts.filter((part) => !values[part])
  if (missing.length > 0) return { missing }
  // Values may contain the characters that are between them in the text.
  const named = [rule, ...parts.map((part) => values[part])]
  return {
    type: 'turn',
    rule,
    key: createHash('sha256').update(JSON.stringify(named)).digest('hex').slice(0, 40),
    target: per.replace(/\{(\w+)\}/g, (_, part: TargetPart) => values[part] ?? ''),
    queue,
  }
}
