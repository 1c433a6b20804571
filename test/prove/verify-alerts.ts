import type { AlertRecord, FiringRecord } from './alert-sender.ts'
import type { PlatformRecords } from './platform-records.ts'
import type { Claim, Violation } from './verify.ts'

/** The input of the check. */
export interface AlertEvidence {
  alerts: readonly AlertRecord[]
  records: Pick<PlatformRecords, 'issues' | 'effects'>
  /** The lines of the audit records. */
  auditLines: readonly string[]
}

/** How alerts were handled. */
export interface AlertFigures {
  /** How often one fired. */
  firings: number
  ended: number
  issues: number
  closedIssues: number
  runbooks: number
  /** Tasks of rules that did not pass. */
  failed: number
}

/** The alert that ends so soon may end before its start was handled: then, nothing is opened. */
const SOON_MS = 60_000

/** Compares the issues at the platform with the alerts that were reported. */
export function verifyAlerts({ alerts, records, auditLines }: AlertEvidence): {
  violations: Violation[]
  figures: AlertFigures
} {
  const violations: Violation[] = []
  const issues = Map.groupBy(records.issues(), ({ title }) => title)
  const runbooks = records.effects('job runs')
  const failed = failedTasks(auditLines)
  const figures = { firings: 0, ended: 0, issues: 0, closedIssues: 0, runbooks: 0, failed: failed.all }
  let [missing, open] = [0, 0]
  for (const { id, isCritical, firings } of alerts) {
    const wrong = (claim: Claim, detail: string) => void violations.push({ claim, id, detail })
    const fired = firings.filter(({ firedAt }) => firedAt !== undefined)
    const runs = runbooks.get(id) ?? 0
    figures.runbooks += runs
    if (runs > (isCritical ? fired.length : 0)) wrong('alert', `${runs} runbooks, and it fired ${fired.length} times`)
    for (const firing of firings) {
      const opened = firing.starts.flatMap((start) => issues.get(`Prove ${id} since ${start}`) ?? [])
      const openIssues = opened.filter(({ state }) => state === 'open').length
      figures.issues += opened.length
      figures.closedIssues += opened.length - openIssues
      if (firing.firedAt !== undefined) figures.firings += 1
      if (firing.endedAt !== undefined) figures.ended += 1
      if (opened.length > 1) wrong('alert', `${opened.length} issues since ${firing.starts.join(' or ')}`)
      if (opened.length > 0 && firing.firedAt === undefined)
        wrong('alert', 'an issue, and it was not reported as firing')
      if (opened.length > openIssues && firing.endSentAt === undefined) wrong('fires', 'its issue is closed')
      if (opened.length === 0 && mustBeOpened(firing)) missing += 1
      if (firing.endedAt !== undefined) open += openIssues
    }
  }
  if (missing > failed.opening)
    violations.push({ claim: 'alert', detail: `${missing} issues are missing, and ${failed.opening} tasks failed` })
  if (open > failed.closing)
    violations.push({
      claim: 'ended',
      detail: `${open} issues are open after the end of their alert, and ${failed.closing} tasks failed`,
    })
  return { violations, figures }
}

function mustBeOpened({ firedAt, endSentAt = Number.POSITIVE_INFINITY }: FiringRecord): boolean {
  return firedAt !== undefined && endSentAt - firedAt > SOON_MS
}

/** Counts the tasks of rules that did not pass. */
function failedTasks(auditLines: readonly string[]) {
  const ofTask = new Map<string, { action: string; outcome: string }>()
  for (const line of auditLines) {
    const { audit, caller, category, action, taskId, outcome } = JSON.parse(line)
    if (audit === 'task' && caller === 'source-alerts') ofTask.set(taskId, { action: `${category}/${action}`, outcome })
  }
  const failed = [...ofTask.values()].filter(({ outcome }) => outcome !== 'pass' && outcome !== 'warning')
  const of = (name: string) => failed.filter(({ action }) => action === name).length
  return {
    all: failed.length,
    opening: of('issue-ticketing/open-issue'),
    closing: of('issue-ticketing/close-issue') + of('issue-ticketing/open-issue'),
  }
}
