import { messageOf } from '../../errors.ts'
import { log } from '../../log.ts'
import { type Outcome, verdictOf } from '../../outcome.ts'
import { clip } from '../../text/plain-text.ts'
import type { AnsweredTask } from '../orchestrator.ts'
import type { Issue, Plan } from './plan.ts'

const MAX_ISSUE = 4_000
const MAX_LOG = 64_000
const MAX_LOG_ATTEMPTS = 5

/**
 * Shows people the reason of an outcome: in the log of the task, and as an issue unless it passed. Without it, the stage only
 * says that it failed. Does not throw: the result follows in any case.
 *
 * @param attempt from 1. Each attempt that writes the log creates another one, so later attempts do not
 */
export async function explain(plan: Plan, task: AnsweredTask, outcome: Outcome, attempt: number): Promise<void> {
  const writesLog = attempt <= MAX_LOG_ATTEMPTS
  const text = clip(logOf(task, outcome), MAX_LOG)
  const logId = writesLog ? await tryTo('log', () => plan.writeLog(text)) : undefined
  const issues = issuesOf(outcome)
  if (logId === undefined && issues.length === 0) return
  await tryTo('timeline', () => plan.updateRecord(logId, issues))
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
