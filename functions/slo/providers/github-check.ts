import * as z from 'zod/mini'
import { toSentence } from '../../../shared/errors.ts'
import { name, optional } from '../../../shared/fields.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { type Client, hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import { defineReportProvider, type Report, type ReportResult } from '../../../shared/providers/report.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { githubApi, githubConnection, repositoryPath } from '../../../shared/vendors/github.ts'
import { checkSummary } from '../github-check-summary.ts'
import { commitOf, detailsUrlOf, nameAtCommit } from '../github-commit.ts'

const PAGE_SIZE = 100
const MAX_PAGES = 10
const MAX_TITLE = 200

const checkRun = z.object({
  id: z.int(),
  name: z.string(),
  html_url: z.nullish(z.string()),
  external_id: z.nullish(z.string()),
  conclusion: z.nullish(z.string()),
})
type CheckRun = z.output<typeof checkRun>
const checkRunList = z.object({ check_runs: z.array(checkRun) })

/**
 * Reports an evaluation as a GitHub check run. Only GitHub Apps can create check runs. The external id of the check run is
 * the idempotency key.
 *
 * @see https://docs.github.com/en/rest/checks/runs#create-a-check-run
 */
export const githubCheck = defineReportProvider({
  title: 'GitHub',
  connection: z.strictObject({
    ...githubConnection,
    name: optional(name('The name of the check. Defaults to slo/<stage>/<service>')),
  }),
  ...githubApi,
  errorReason(body) {
    const reason = errorReasonIn(body)
    if (!/GitHub App|not accessible by/i.test(reason)) return undefined
    return `${toSentence(reason)} Use the token of a GitHub App installation with the permission to write checks, or the provider github-status.`
  },
  supportedFields: ['project', 'ref'],
  resolveDestination: commitOf,

  async report(client, { project = '', ref = '' }, report) {
    const { http, connection, idempotencyKey, isRetry } = client
    const repositoryUrl = repositoryPath(project)
    const checkName = connection.name ?? nameAtCommit(report.event)
    if (isRetry && hasIdempotencyKey(client)) {
      const existing = await find(client, `${repositoryUrl}/commits/${ref}/check-runs`, checkName)
      if (existing) return reportedOf(existing, ref)
    }
    const url = detailsUrlOf(report)
    const run = {
      name: checkName,
      head_sha: ref,
      status: 'completed',
      conclusion: conclusionOf(report),
      ...(idempotencyKey === undefined ? {} : { external_id: idempotencyKey }),
      ...(url === undefined ? {} : { details_url: url }),
      output: { title: plainSingleLine(report.message.title, MAX_TITLE), summary: checkSummary(report.message) },
    }
    return reportedOf((await http.post(`${repositoryUrl}/check-runs`, run, { schema: checkRun })).body, ref)
  },
})

/** Finds the check run of an earlier attempt, also if a later one has the same name. */
async function find(
  { http, idempotencyKey }: Client & { idempotencyKey: string },
  path: string,
  check_name: string,
): Promise<CheckRun | undefined> {
  for (let page = 1; page <= MAX_PAGES; page++) {
    const query = { check_name, filter: 'all', per_page: PAGE_SIZE, page }
    const { check_runs: runs } = (await http.get(path, { query, schema: checkRunList })).body
    const found = runs.find(({ external_id }) => external_id === idempotencyKey)
    if (found || runs.length < PAGE_SIZE) return found
  }
  return undefined
}

function reportedOf({ id, name, html_url, conclusion }: CheckRun, ref: string): ReportResult {
  return {
    id: String(id),
    url: html_url ?? undefined,
    summary: `check ${name} of ${ref.slice(0, 7)}, ${conclusion}`,
  }
}

/** An evaluation that did not succeed is a failure, even if its result is pass. */
function conclusionOf({ evaluation, event }: Report): 'success' | 'neutral' | 'failure' {
  if (event.status !== undefined && event.status !== 'succeeded') return 'failure'
  return ({ pass: 'success', warning: 'neutral', fail: 'failure' } as const)[evaluation.result]
}
