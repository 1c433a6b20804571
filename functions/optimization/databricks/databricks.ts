import * as z from 'zod/mini'
import { Failure, invalidInput, outcomeUnknown, refused } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { oauthAuthorization } from '../../../shared/http/oauth.ts'
import type { Authorization } from '../../../shared/http/options.ts'
import { defineJob } from '../../../shared/providers/define-job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import {
  id,
  isRunning,
  isWebPage,
  JOBS_PATH,
  type JobRun,
  jobRun,
  lastAttempts,
  progressOf,
  resultsOf,
  stateOf,
  states,
} from './run.ts'

const connection = z.strictObject({
  baseUrl: url(
    'The workspace: https://adb-1234567890123456.7.azuredatabricks.net or https://<name>.cloud.databricks.com',
  ),
  clientId: optional(word('The client id of a service principal that can manage runs of the jobs')),
  clientSecret: optional(secret('An OAuth secret of the service principal')),
  token: optional(secret('A personal access token, instead of a service principal')),
  target: optional(word('Default job, by its id or name')),
})
type Connection = z.output<typeof connection>

const startResponse = z.object({ run_id: optional(id) })
const jobList = z.object({ jobs: z.nullish(z.array(z.object({ job_id: id }))) })
/**
 * Starts runs of Databricks jobs (Jobs API 2.2). The idempotency token of a run is the idempotency key.
 *
 * @see https://docs.databricks.com/api/workspace/jobs
 * @see https://github.com/databricks/databricks-sdk-go service/jobs/model.go, for the meaning of the states
 */
export const databricks = defineJob({
  title: 'Databricks',
  noun: 'run',
  notifiedBy: { type: 'databricks', wakeId: ({ id }) => id },
  connection,
  authorization,
  check: ({ http }) => http.get(`${JOBS_PATH}/list`, { query: { limit: 1 } }),
  isCredentialsError,

  states,
  hasIdempotentStart: true,
  runId: { pattern: { test: isId }, description: 'the number of a run, such as 455644833' },
  identify: ({ run_id: id, run_page_url: page }: Pick<JobRun, 'run_id' | 'run_page_url'>) => ({
    id,
    ...(page && isWebPage(page) ? { url: page } : {}),
  }),

  checkStart({ target, project, ref }) {
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined) throw invalidInput(`input.${field}`, 'is not supported. A job is identified by its id')
    if (/^\d+$/.test(target) && !isId(target))
      throw invalidInput('input.target', 'must be the id of a job, such as 11223344, or its name')
  },

  async start({ http, idempotencyKey }, { target, parameters }) {
    const job = isId(target) ? target : await findJob(http, target)
    const body = {
      job_id: Number(job),
      ...(parameters ? { job_parameters: toTextParameters(parameters) } : {}),
      idempotency_token: idempotencyKey,
    }
    const { run_id: id } = (await http.post(`${JOBS_PATH}/run-now`, body, { schema: startResponse })).body
    // For a running continuous job, Databricks restarts the run and returns no id.
    if (id === undefined)
      throw outcomeUnknown(
        `Databricks accepted the start of job ${job} but returned no run, as for a continuous job, so it cannot be polled. Check Databricks before you repeat the call.`,
      )
    return { run_id: id, run_page_url: `${http.baseUrl}/#job/${job}/run/${id}` }
  },

  async getStatus({ http }, { id }) {
    const current = (await http.get(`${JOBS_PATH}/runs/get`, { query: { run_id: id }, schema: jobRun })).body
    const state = stateOf(current)
    const tasks = lastAttempts(current.tasks ?? [])
    const progress = isRunning(state) ? progressOf(current, tasks) : undefined
    return { state, run: current, progress, results: () => resultsOf(http, current, tasks) }
  },

  // Has no effect on a run that has ended.
  async stop({ http }, { id }) {
    await http.post(`${JOBS_PATH}/runs/cancel`, { run_id: Number(id) })
  },
})

function authorization({ baseUrl, token, clientId, clientSecret }: Connection, ca: string | undefined): Authorization {
  if (token) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (clientId && clientSecret) {
    const tokenUrl = `${baseUrl.replace(/\/$/, '')}/oidc/v1/token`
    return oauthAuthorization({ tokenUrl, clientId, clientSecret, scope: 'all-apis', usesBasicAuth: true }, ca)
  }
  throw new Failure(
    'misconfigured',
    'The connection to Databricks has no credentials. Add clientId and clientSecret, or token.',
  )
}

/** Only the message distinguishes an invalid token from missing permissions. */
function isCredentialsError(status: number, body: unknown): boolean {
  const { message } = (body ?? {}) as { message?: unknown }
  return (
    (status === 400 || status === 403) && /invalid (?:access )?token|token (?:is|has) expired/i.test(String(message))
  )
}

async function findJob(http: Http, name: string): Promise<string> {
  const { jobs } = (await http.get(`${JOBS_PATH}/list`, { query: { name, limit: 2 }, schema: jobList })).body
  const [found, ...others] = jobs ?? []
  if (found && others.length === 0) return found.job_id
  throw refused(
    found
      ? `Databricks has more than one job named ${name}. Send the id of one as input.target.`
      : `Databricks has no job named ${name}, or the connection cannot see it.`,
  )
}

function isId(target: string): boolean {
  return /^[1-9]\d{0,15}$/.test(target) && Number.isSafeInteger(Number(target))
}
