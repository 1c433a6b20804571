import type { Store } from './store.ts'

/** The local runtime keeps completed tasks for the same time. */
export const RETENTION_MS = 14 * 86_400_000

/** Deletes the records before `?1` (ISO 8601). The newest numbered record stays, so that numbers are not reused. */
const STATEMENTS = [
  'DELETE FROM requests WHERE seq < (SELECT seq FROM requests WHERE at >= ?1 ORDER BY seq LIMIT 1)',
  'DELETE FROM events WHERE seq < (SELECT seq FROM events WHERE at >= ?1 ORDER BY seq LIMIT 1)',
  `DELETE FROM issues WHERE updated_at < ?1
   AND number < (SELECT max(number) FROM issues AS other WHERE other.repo_id = issues.repo_id)`,
  'DELETE FROM comments WHERE created_at < ?1 OR issue_id NOT IN (SELECT id FROM issues)',
  `DELETE FROM incidents WHERE json_extract(record, '$.sys_updated_on') < datetime(?1)
   AND id < (SELECT max(id) FROM incidents)`,
  'DELETE FROM journal WHERE sys_created_on < datetime(?1)',
  `DELETE FROM runs WHERE created < unixepoch(?1) * 1000 AND run_number <
   (SELECT max(run_number) FROM runs AS other WHERE other.repo_id = runs.repo_id AND other.workflow = runs.workflow)`,
  `DELETE FROM job_runs WHERE created < unixepoch(?1) * 1000 AND number <
   (SELECT max(number) FROM job_runs AS other WHERE other.platform = job_runs.platform)`,
  'DELETE FROM messages WHERE CAST(ts AS REAL) < unixepoch(?1)',
  `DELETE FROM tool_records WHERE kind IN ('ticket', 'message') AND changed_at < ?1
   AND seq < (SELECT max(seq) FROM tool_records AS other WHERE other.kind = tool_records.kind)`,
  'DELETE FROM engine_runs WHERE started_at < ?1',
  'DELETE FROM engine_messages WHERE at < ?1 OR run NOT IN (SELECT id FROM engine_runs)',
  "DELETE FROM reports WHERE json_extract(report, '$.at') < ?1",
  "DELETE FROM executions WHERE json_extract(execution, '$.startedAt') < ?1",
  "DELETE FROM sdlc_events WHERE json_extract(event, '$.timestamp') < ?1",
]

/** Deletes the records that are older than 14 days. */
export function deleteOld(store: Pick<Store, 'run'>, now = Date.now()): void {
  const before = new Date(now - RETENTION_MS).toISOString()
  for (const sql of STATEMENTS) store.run(sql, before)
}
