import type { Store } from './store.ts'

/** How long the sandbox remembers what has happened, in milliseconds: as long as the runtime remembers an ended task. */
export const remembered = 14 * 86_400_000

/** What goes with its age, older than `?1` in ISO 8601. The newest of what is numbered stays, so that no number comes again. */
const old = [
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
  "DELETE FROM reports WHERE json_extract(report, '$.at') < ?1",
]

/** Forgets what is older than 14 days: a sandbox that is used for months does not grow for months. */
export function forgetOld(store: Pick<Store, 'run'>, now = Date.now()): void {
  const before = new Date(now - remembered).toISOString()
  for (const sql of old) store.run(sql, before)
}
