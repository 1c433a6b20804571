import { hasTurns } from '../../../shared/policy/kinds/turn.ts'
import type { Policy } from '../../../shared/policy/policy.ts'
import { type LocalCloud, REGION } from '../cloud/index.ts'
import { STATE_TABLE } from '../functions.ts'
import { readTargets } from '../turn-list.ts'

/** A target, the task that has the turn, and the tasks that wait for it in their order. Calls have the ids of their tasks. */
export interface TurnLane {
  target: string
  rule: string
  holder: { call: string; caller: string; until: number } | undefined
  waiting: { call: string; caller: string }[]
}

/** Reads the targets that are in use. Reads nothing if no rule lets actions run one at a time. */
export async function turnLanes(
  { dynamodb: endpoint, credentials }: LocalCloud,
  policy: Policy | undefined,
): Promise<TurnLane[]> {
  if (!policy || !hasTurns(policy)) return []
  const targets = await readTargets({ endpoint, credentials, region: REGION }, STATE_TABLE)
  return targets
    .filter(({ holder, waiting }) => holder || waiting.length > 0)
    .map(({ target, rule, holder, waiting }) => ({
      target,
      rule,
      holder: holder && { call: callOf(holder.task), caller: holder.caller, until: holder.until },
      waiting: waiting.map(({ task, caller }) => ({ call: callOf(task), caller })),
    }))
}

/** @param task `<category>/<task id>` */
function callOf(task: string): string {
  return task.slice(task.indexOf('/') + 1)
}
