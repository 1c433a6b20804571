import * as z from 'zod/mini'
import { ACTION_EFFECTS } from '../action-effect.ts'
import { deployedPolicy } from './deployed.ts'
import { applyToday, type TodaysDecision } from './today.ts'
import { windowSchema } from './window.ts'

/** The question of a task of any version, so fields are added, but never changed. */
const startQuestionSchema = z.object({
  call: z.object({
    category: z.string(),
    action: z.string(),
    actionNames: z.array(z.string()),
    isFree: z.boolean(),
    effect: z.optional(z.enum(ACTION_EFFECTS)),
    connection: z.string(),
    caller: z.string(),
    isAgent: z.boolean(),
    project: z.optional(z.string()),
    stage: z.optional(z.string()),
    service: z.optional(z.string()),
    input: z.optional(z.unknown()),
  }),
  /** The rules whose closed window people have opened for this action. */
  opened: z.array(z.string()),
  /** These windows. Missing in questions of earlier versions. */
  openedWindows: z.optional(z.array(z.object({ rule: z.string(), window: windowSchema }))),
})

export type StartQuestion = z.output<typeof startQuestionSchema>

/**
 * Answers whether the policy of this deployment lets the action of an earlier call start. A function of its own: a task runs the version
 * that has accepted its call, whose code may not understand a later policy.
 */
export async function policyHandler(question: unknown): Promise<TodaysDecision> {
  return decideStart(startQuestionSchema.parse(question))
}

/** Applies the policy that is deployed with this code. */
export function decideStart({ call, opened, openedWindows }: StartQuestion): TodaysDecision {
  const { caller, isAgent, ...facts } = call
  const { effect, project, stage, service } = facts
  const known = { ...facts, effect, project, stage, service, input: facts.input, isStop: false }
  // Today's rules do not change the caller's right to write.
  const asked = { ...known, caller: { name: caller, isAgent, writes: 'allow' as const, owners: [] } }
  return applyToday(deployedPolicy()?.policy, asked, openedWindows ?? opened.map((rule) => ({ rule })), Date.now())
}
