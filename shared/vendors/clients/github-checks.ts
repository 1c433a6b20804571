import * as z from 'zod/mini'
import type { Http } from '../../http/client.ts'
import { segment } from '../../http/segment.ts'
import { repositoryPath } from './github.ts'

const PAGE_SIZE = 100
const MAX_PAGES = 10
/** How many check runs with a name `findCheckRun` reads. */
export const MAX_CHECK_RUNS = MAX_PAGES * PAGE_SIZE

const checkRun = z.object({
  id: z.int(),
  name: z.string(),
  html_url: z.nullish(z.string()),
  external_id: z.nullish(z.string()),
  conclusion: z.nullish(z.string()),
})
export type CheckRun = z.output<typeof checkRun>
const checkRunList = z.object({ check_runs: z.array(checkRun) })

/** The fields of a check run that a GitHub App sets. */
export interface CheckRunFields {
  name: string
  status: 'in_progress' | 'completed'
  conclusion?: 'success' | 'neutral' | 'failure' | 'cancelled'
  details_url?: string
  output: { title: string; summary: string }
}

/** A commit of a repository, `owner/repo`. */
interface Commit {
  repository: string
  sha: string
}

/**
 * Finds a check run of a commit, even if a later one has the same name.
 *
 * @returns `'unknown'` if there are more check runs with the name than it reads
 * @see https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference
 */
export async function findCheckRun(
  http: Http,
  { repository, sha }: Commit,
  { name, externalId }: { name: string; externalId: string },
): Promise<CheckRun | undefined | 'unknown'> {
  const path = `${repositoryPath(repository)}/commits/${segment(sha)}/check-runs`
  for (let page = 1; page <= MAX_PAGES; page++) {
    const query = { check_name: name, filter: 'all', per_page: PAGE_SIZE, page }
    const { check_runs: runs } = (await http.get(path, { query, schema: checkRunList })).body
    const found = runs.find(({ external_id }) => external_id === externalId)
    if (found || runs.length < PAGE_SIZE) return found
  }
  return 'unknown'
}

/** @see https://docs.github.com/en/rest/checks/runs#create-a-check-run */
export async function createCheckRun(
  http: Http,
  { repository, sha }: Commit,
  fields: CheckRunFields & { external_id?: string },
): Promise<CheckRun> {
  const body = { ...fields, head_sha: sha }
  return (await http.post(`${repositoryPath(repository)}/check-runs`, body, { schema: checkRun })).body
}

/** @see https://docs.github.com/en/rest/checks/runs#update-a-check-run */
export async function updateCheckRun(
  http: Http,
  repository: string,
  id: number,
  fields: CheckRunFields,
): Promise<CheckRun> {
  const path = `${repositoryPath(repository)}/check-runs/${segment(id)}`
  return (await http.patch(path, fields, { schema: checkRun })).body
}
