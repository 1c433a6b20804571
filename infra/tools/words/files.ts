import { execFileSync } from 'node:child_process'

/** Generated files, data of platforms, and the list of banned words itself. */
const EXCLUDED = [
  /^docs\/(?:api\/|openapi\.json|reference(?:\/|\.md)|images\/)/,
  /^infra\/tools\/words\/(?:terms|style|allowed)\.ts$/,
  /^test\/infra\/tools\/words\.test\.ts$/,
  /^test\/fixtures\//,
  /^package-lock\.json$/,
  /^LICENSE$/,
]

/**
 * Lists the files to check, also those that git does not track yet.
 *
 * @param paths files and folders relative to the folder; none for all
 */
export function listFiles(folder: string, paths: readonly string[]): string[] {
  const options = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '-z', '--', ...paths]
  const listed = execFileSync('git', options, { cwd: folder, encoding: 'utf8' }).split('\0').filter(Boolean)
  const deleted = execFileSync('git', ['ls-files', '--deleted', '-z'], { cwd: folder, encoding: 'utf8' }).split('\0')
  return listed.filter((path) => !deleted.includes(path) && !EXCLUDED.some((pattern) => pattern.test(path)))
}
