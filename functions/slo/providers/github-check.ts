import * as z from 'zod/mini'
import { toSentence } from '../../../shared/errors.ts'
import { name, optional } from '../../../shared/fields.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { type Client, hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import { defineReportProvider, type Report, type ReportResult } from '../../../shared/providers/report.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { githubApi, githubConnection, repositoryPath } from '../../../shared/vendors/github.ts'
import { checkSummary } from '../check-summary.ts'
import { commitOf, detailsOf, nameAtCommit } from '../commit.ts'

const perPage = 100
const mostPages = 10
const longestTitle = 200

const checkRun = z.object({
  id: z.int(),
  name: z.string(),
  html_url: z.nullish(z.string()),
  external_id: z.nullish(z.string()),
  conclusion: z.nullish(z.string()),
})
type CheckRun = z.output<typeof checkRun>

/**
 * A check run on GitHub, which only an App may make. It carries the key of its call as its external id.
 *
 * @see https://docs.github.com/en/rest/checks/runs#create-a-check-run
 */
export const githubCheck = defineReportProvider({
  title: 'GitHub',
  connection: z.strictObject({
    ...githubConnection,
    name: optional(name('What the check is called; slo/<stage>/<service> where left out')),
  }),
  ...githubApi,
  errorReason(body) {
    const words = errorReasonIn(body)
    if (!/GitHub App|not accessible by/i.test(words)) return undefined
    return `${toSentence(words)} Checks are made with the token of an App installation that may write checks; with other tokens use github-status.`
  },
  supportedFields: ['project', 'ref'],
  resolveDestination: commitOf,

  async report(client, { project = '', ref = '' }, report) {
    const { http, connection, idempotencyKey: key, isRetry: repeated } = client
    const repo = repositoryPath(project)
    const called = connection.name ?? nameAtCommit(report.event)
    const found =
      repeated && hasIdempotencyKey(client)
        ? await find(client, `${repo}/commits/${ref}/check-runs`, called)
        : undefined
    if (found) return reported(found, ref)
    const url = detailsOf(report)
    const run = {
      name: called,
      head_sha: ref,
      status: 'completed',
      conclusion: conclusionOf(report),
      ...(key === undefined ? {} : { external_id: key }),
      ...(url === undefined ? {} : { details_url: url }),
      output: { title: plainSingleLine(report.message.title, longestTitle), summary: checkSummary(report.message) },
    }
    return reported((await http.post(`${repo}/check-runs`, run, { schema: checkRun })).body, ref)
  },
})

/** Also among those that a later one of the same name stands for. */
async function find(
  { http, idempotencyKey }: Client & { idempotencyKey: string },
  path: string,
  check_name: string,
): Promise<CheckRun | undefined> {
  const answer = z.object({ check_runs: z.array(checkRun) })
  for (let page = 1; page <= mostPages; page++) {
    const query = { check_name, filter: 'all', per_page: perPage, page }
    const { check_runs: runs } = (await http.get(path, { query, schema: answer })).body
    const found = runs.find(({ external_id }) => external_id === idempotencyKey)
    if (found || runs.length < perPage) return found
  }
  return undefined
}

function reported({ id, name, html_url, conclusion }: CheckRun, ref: string): ReportResult {
  return {
    id: String(id),
    url: html_url ?? undefined,
    summary: `check ${name} of ${ref.slice(0, 7)}, ${conclusion}`,
  }
}

/** What could not be evaluated is no pass, whatever result it came with. */
function conclusionOf({ evaluation, event }: Report): 'success' | 'neutral' | 'failure' {
  if (event.status !== undefined && event.status !== 'succeeded') return 'failure'
  return ({ pass: 'success', warning: 'neutral', fail: 'failure' } as const)[evaluation.result]
}
