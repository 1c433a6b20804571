import * as z from 'zod/mini'
import { Failure, invalidInput, messageOf } from '../../../shared/errors.ts'
import { name, oneOf, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { Http } from '../../../shared/http/client.ts'
import { defineJob } from '../../../shared/providers/define-job.ts'
import type { Run } from '../../../shared/providers/job.ts'
import { searchSince } from '../../../shared/providers/search-window.ts'
import { isRecord } from '../../../shared/record.ts'
import { isSaving, joinReasons, progressOf, resultsOf, runDetails } from './results.ts'
import { kinds, partsOf, RUN_ID, states } from './run.ts'
import { canStoreKey, getTemplate, KEY_VARIABLE, parseTarget, refuseIgnored } from './templates.ts'

const GATEWAY_API = 'api/controller/v2'
const connection = z.strictObject({
  baseUrl: url('The URL of AWX or the controller, without /api'),
  token: optional(secret('An access token with the scope write. Its user needs the role Execute on the templates')),
  username: optional(name('The user name, instead of a token')),
  password: optional(secret('The password of the user')),
  api: z._default(
    oneOf(
      ['api/v2', GATEWAY_API],
      `The path of the API: api/v2, or ${GATEWAY_API} behind the gateway of Automation Platform`,
    ),
    'api/v2',
  ),
  target: optional(word('The default template: name or id of a job template, or workflow/<name or id>')),
  project: optional(word('The default organization, for templates with a name')),
})
type Connection = z.output<typeof connection>
type Api = Connection['api']

const launchResponse = z.object({
  id: z.int(),
  type: z.enum(['job', 'workflow_job']),
  ignored_fields: z.nullish(z.record(z.string(), z.unknown())),
})
const runList = z.object({
  count: z.int(),
  results: z.array(z.object({ id: z.int(), type: z.string(), extra_vars: z.nullish(z.string()) })),
})
/** How many of the newest runs a search reads. AWX lists at most 200 at a time. */
const SEARCH_LIMIT = { firstAttempt: 50, retry: 200 }
/**
 * Launches job templates and workflows of AWX and Ansible Automation Controller.
 *
 * @see https://docs.ansible.com/projects/awx/en/latest/userguide/job_templates.html
 * @see https://github.com/ansible/awx/tree/devel/awx/api
 */
export const awx = defineJob({
  title: 'AWX',
  noun: 'run',
  notifiedBy: { type: 'awx', wakeId: ({ id }) => id.split('/')[1] },
  connection,
  headers: (values) => ({ authorization: authorizationHeader(values) }),
  check: ({ http, connection: { api } }) => http.get(`${api}/me/`),
  errorReason: reasonOf,

  states,
  runId: { pattern: RUN_ID, description: 'like job/12 or workflow/7' },
  identify: (run: Run) => run,

  checkStart({ target, parameters = {} }) {
    parseTarget(target)
    if (Object.hasOwn(parameters, KEY_VARIABLE)) {
      throw invalidInput('input.parameters', `must not set ${KEY_VARIABLE}. It stores the idempotency key`)
    }
  },

  lookUp: { newest: SEARCH_LIMIT.retry, needs: { text: 'a template that asks for variables' } },

  async find({ http, idempotencyKey, isRetry, connection: { api } }, input) {
    const template = await getTemplate(http, api, input)
    if (!canStoreKey(template)) return 'unknown'
    const query = {
      unified_job_template: template.id,
      created__gt: searchSince(isRetry).toISOString(),
      order_by: '-id',
      page_size: isRetry ? SEARCH_LIMIT.retry : SEARCH_LIMIT.firstAttempt,
    }
    const { count, results } = (await http.get(`${api}/unified_jobs/`, { query, schema: runList })).body
    // Slices and relaunches of a job have the same key. The first run is ours.
    const found = results.findLast(({ extra_vars }) => extra_vars?.includes(idempotencyKey))
    if (found) return runOf(http, api, found)
    // Some servers, such as Ascender, omit the variables from the list.
    if (results.some(({ extra_vars }) => extra_vars == null)) return 'unknown'
    return isRetry && count > results.length ? 'unknown' : undefined
  },

  async start({ http, idempotencyKey, connection: { api } }, input) {
    const template = await getTemplate(http, api, input)
    refuseIgnored(template, input)
    const { ref } = input
    const key = idempotencyKey && canStoreKey(template) ? { [KEY_VARIABLE]: idempotencyKey } : {}
    const variables = { ...input.parameters, ...key }
    const body = {
      ...(Object.keys(variables).length > 0 ? { extra_vars: variables } : {}),
      ...(ref === undefined ? {} : { scm_branch: ref }),
    }
    const started = (await http.post(`${template.path}launch/`, body, { schema: launchResponse })).body
    const run = runOf(http, api, started)
    const ignored = namesOf(started.ignored_fields)
    return ignored.length > 0 ? { ...run, providerState: await cancelWrongLaunch(http, api, run.id, ignored) } : run
  },

  async getStatus({ http, connection: { api } }, run) {
    const { kind, path } = partsOf(api, run.id)
    const details = (await http.get(path, { schema: runDetails })).body
    const { status: state } = details
    if ((states[state] ?? 'running') === 'running')
      return { state, progress: await progressOf(http, kind, path, details) }
    if (isSaving(details))
      return { state, verdict: 'running', progress: `${state}, saving its events`, pollImmediately: true }
    const results = await resultsOf(http, kind, api, path, details)
    if (!isRecord(run.providerState)) return { state, ...results }
    return {
      state,
      ...results,
      verdict: 'errored',
      reason: joinReasons([String(run.providerState['launchedWrong']), results.reason]),
    }
  },

  // 405 means that it has ended. The next poll reads the result.
  async stop({ http, connection: { api } }, { id }) {
    await http.post(`${partsOf(api, id).path}cancel/`, undefined, { accept: [405] })
  },
})

function authorizationHeader({ token, username, password }: Connection): string {
  if (token) return `Bearer ${token}`
  if (username && password) return basicAuth(username, password)
  throw new Failure('misconfigured', 'The connection to AWX has no credentials. Add token, or username and password.')
}

/** Returns names such as `extra_vars.host`, without the values, which may be secret. */
function namesOf(ignored: Record<string, unknown> | null | undefined): string[] {
  return Object.entries(ignored ?? {}).flatMap(([field, value]) => {
    return field === 'extra_vars' && isRecord(value) ? Object.keys(value).map((name) => `${field}.${name}`) : [field]
  })
}

/**
 * Cancels a run that AWX launched without a requested variable: the template changed after it was read.
 *
 * @returns the provider state of the run, which makes its status `errored`
 */
async function cancelWrongLaunch(http: Http, api: Api, id: string, ignored: string[]) {
  const reason = `AWX launched it without ${ignored.join(', ')}, which it ignored`
  try {
    await http.post(`${partsOf(api, id).path}cancel/`, undefined, { accept: [405] })
    return { launchedWrong: `${reason}, so it was canceled` }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { launchedWrong: `${reason}, and it could not be canceled (${messageOf(error)})` }
  }
}

/** AWX returns invalid fields by name: `{"variables_needed_to_start": ["'host' value missing"]}`. */
function reasonOf(body: unknown): string | undefined {
  if (!isRecord(body) || 'detail' in body || 'error' in body) return undefined
  const reasons = Object.entries(body).map(([field, texts]) => `${field}: ${[texts].flat().map(String).join(', ')}`)
  return reasons.join('; ') || undefined
}

function runOf({ baseUrl }: Http, api: Api, { id, type }: { id: number; type: string }): Run {
  const kind = type === 'workflow_job' ? 'workflow' : 'job'
  const page = `jobs/${kinds[kind].page}/${id}`
  return { id: `${kind}/${id}`, url: `${baseUrl}/${api === GATEWAY_API ? `execution/${page}/output` : `#/${page}`}` }
}
