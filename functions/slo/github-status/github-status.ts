import * as z from 'zod/mini'
import { name, optional } from '../../../shared/fields.ts'
import { defineReportProvider, type Report } from '../../../shared/providers/report.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { repositoryPath } from '../../../shared/vendors/clients/github.ts'
import { githubApi, githubConnection, siteOf } from '../../../shared/vendors/github.ts'
import { commitOf, detailsUrlOf, nameAtCommit } from '../github-commit.ts'

const MAX_DESCRIPTION = 140

const createdStatus = z.object({ id: z.int(), context: z.string() })

/**
 * Reports an evaluation as the status of a GitHub commit. The latest status of a context counts, so a retry changes nothing.
 *
 * @see https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
 */
export const githubStatus = defineReportProvider({
  title: 'GitHub',
  connection: z.strictObject({
    ...githubConnection,
    context: optional(name('The context of the status. Defaults to slo/<stage>/<service>')),
  }),
  ...githubApi,
  supportedFields: ['project', 'ref'],
  resolveDestination: commitOf,

  showsOnce: true,

  async report({ http, connection }, { project = '', ref = '' }, report) {
    const url = detailsUrlOf(report)
    const status = {
      state: stateOf(report),
      context: connection.context ?? nameAtCommit(report.event),
      description: plainSingleLine(report.message.title, MAX_DESCRIPTION),
      ...(url === undefined ? {} : { target_url: url }),
    }
    const path = `${repositoryPath(project)}/statuses/${ref}`
    const { body } = await http.post(path, status, { schema: createdStatus })
    const site = siteOf(http.baseUrl)
    return {
      id: String(body.id),
      url: site === undefined ? undefined : `${site}/${project}/commit/${ref}`,
      summary: `status ${body.context} of ${ref.slice(0, 7)}, ${status.state}`,
    }
  },
})

/** GitHub has no warning. A warning does not block, so it is a success; the description names it. */
function stateOf({ evaluation, event }: Report): 'success' | 'failure' | 'error' {
  if (event.status !== undefined && event.status !== 'succeeded') return 'error'
  return evaluation.result === 'fail' ? 'failure' : 'success'
}
