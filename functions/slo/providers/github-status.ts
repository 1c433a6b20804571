import * as z from 'zod/mini'
import { name, optional } from '../../../shared/fields.ts'
import { defineReportProvider, type Report } from '../../../shared/providers/report.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { githubApi, githubConnection, repositoryPath, siteOf } from '../../../shared/vendors/github.ts'
import { commitOf, detailsOf, nameAtCommit } from '../commit.ts'

const longestDescription = 140

const created = z.object({ id: z.int(), context: z.string() })

/**
 * The status of a commit on GitHub. Of those of one context the latest counts, so a repeat changes nothing.
 *
 * @see https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
 */
export const githubStatus = defineReportProvider({
  title: 'GitHub',
  connection: z.strictObject({
    ...githubConnection,
    context: optional(name('What the status is called; slo/<stage>/<service> where left out')),
  }),
  ...githubApi,
  supportedFields: ['project', 'ref'],
  resolveDestination: commitOf,

  async report({ http, connection }, { project = '', ref = '' }, report) {
    const url = detailsOf(report)
    const status = {
      state: stateOf(report),
      context: connection.context ?? nameAtCommit(report.event),
      description: plainSingleLine(report.message.title, longestDescription),
      ...(url === undefined ? {} : { target_url: url }),
    }
    const { body } = await http.post(`${repositoryPath(project)}/statuses/${ref}`, status, { schema: created })
    const site = siteOf(http.baseUrl)
    return {
      id: String(body.id),
      url: site === undefined ? undefined : `${site}/${project}/commit/${ref}`,
      summary: `status ${body.context} of ${ref.slice(0, 7)}, ${status.state}`,
    }
  },
})

/** GitHub has no warning: what may go on is a success, and its description says more. */
function stateOf({ evaluation, event }: Report): 'success' | 'failure' | 'error' {
  if (event.status !== undefined && event.status !== 'succeeded') return 'error'
  return evaluation.result === 'fail' ? 'failure' : 'success'
}
