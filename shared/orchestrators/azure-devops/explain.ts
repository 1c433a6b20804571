import { messageOf } from '../../errors.ts'
import { log } from '../../log.ts'
import { type Outcome, verdictOf } from '../../outcome.ts'
import { clip } from '../../text/plain-text.ts'
import type { AnsweredTask } from '../orchestrator.ts'
import type { Issue, Plan } from './plan.ts'

const MAX_ISSUE = 4_000
const MAX_LOG = 64_000

/**
 * Shows people the reason of an outcome: in the log of the task, and as an issue unless it passed. Without it, the stage only
 * says that it failed. Does not throw: the result follows in any case.
 */
export async function explain(plan: Plan, task: AnsweredTask, outcome: Outcome): Promise<void> {
  const logId = await tryTo('log', () => plan.writeLog(clip(logOf(task, outcome), MAX_LOG)))
  await tryTo('timeline', () => plan.updateRecord(logId, issuesOf(outcome)))
}

async function tryTo<T>(part: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run()
  } catch (error) {
    log.warn('reason not shown', { part, reason: messageOf(error) })
    return undefined
  }
}

function logOf({ id, category, action, apiUrl }: AnsweredTask, outcome: Outcome): string {
  const links = Object.entries(outcome.links).map(([name, url]) => `${name}: ${url}`)
  const status = apiUrl === undefined ? [] : [`Status: ${apiUrl}/tasks/${id}`]
  return [`${category}/${action}: ${verdictOf(outcome)}`, outcome.message, ...links, ...status].join('\n')
}

function issuesOf(outcome: Outcome): Issue[] {
  const verdict = verdictOf(outcome)
  if (verdict === 'pass') return []
  const type = verdict === 'warning' ? 'warning' : 'error'
  return [{ type, category: 'General', message: clip(outcome.message, MAX_ISSUE) }]
}
