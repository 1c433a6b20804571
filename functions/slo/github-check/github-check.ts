import * as z from 'zod/mini'
import { toSentence } from '../../../shared/errors.ts'
import { name, optional } from '../../../shared/fields.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { hasIdempotencyKey } from '../../../shared/providers/provider.ts'
import { defineReportProvider, type Report, type ReportResult } from '../../../shared/providers/report.ts'
import { searchIncomplete } from '../../../shared/providers/search-window.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import {
  type CheckRun,
  createCheckRun,
  findCheckRun,
  MAX_CHECK_RUNS,
} from '../../../shared/vendors/clients/github-checks.ts'
import { checkSummary } from '../../../shared/vendors/clients/github-markdown.ts'
import { githubApi, githubConnection } from '../../../shared/vendors/github.ts'
import { commitOf, detailsUrlOf, nameAtCommit } from '../github-commit.ts'

const MAX_TITLE = 200

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

  lookUp: { newest: MAX_CHECK_RUNS, behind: 'unknown' },

  async report(client, { project = '', ref = '' }, report) {
    const { http, connection, idempotencyKey, isRetry } = client
    const commit = { repository: project, sha: ref }
    const checkName = connection.name ?? nameAtCommit(report.event)
    if (isRetry && hasIdempotencyKey(client)) {
      const existing = await findCheckRun(http, commit, { name: checkName, externalId: client.idempotencyKey })
      if (existing === 'unknown') throw searchIncomplete('GitHub', 'created the check run')
      if (existing) return reportedOf(existing, ref)
    }
    const url = detailsUrlOf(report)
    const created = await createCheckRun(http, commit, {
      name: checkName,
      status: 'completed',
      conclusion: conclusionOf(report),
      ...(idempotencyKey === undefined ? {} : { external_id: idempotencyKey }),
      ...(url === undefined ? {} : { details_url: url }),
      output: { title: plainSingleLine(report.message.title, MAX_TITLE), summary: checkSummary(report.message) },
    })
    return reportedOf(created, ref)
  },
})

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
