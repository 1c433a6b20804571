import * as z from 'zod/mini'
import { invalidInput, retryLater } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type IdentifiedRun } from '../../../shared/providers/define-job.ts'
import type { StartJob } from '../../../shared/providers/job.ts'
import { redact } from '../../../shared/redact.ts'
import { sleep } from '../../../shared/sleep.ts'
import { allowList, checkAllowed } from '../blast-radius.ts'
import { camelCase, MARKER, oneRun, states, statusOf } from './run.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('URL of the Gremlin API. Defaults to https://api.gremlin.com'), 'https://api.gremlin.com'),
  token: secret('API key with the privileges SCENARIOS_RUN and SCENARIOS_READ'),
  allow: allowList('Scenarios that may run, by GUID'),
  target: optional(word('Default scenario, by GUID')),
  project: optional(word('Team that owns the scenarios, by id; required for a key that is not limited to one team')),
  webUrl: z._default(url('URL of the Gremlin web app. Defaults to https://app.gremlin.com'), 'https://app.gremlin.com'),
})
type Connection = z.output<typeof connection>

/** A start returns the number of the run, as JSON or as text. */
const runNumber = z.pipe(z.union([z.int(), z.string().check(z.regex(/^\d{1,15}$/))]), z.transform(String))
const runPage = camelCase(
  z.object({
    items: z.array(z.object({ runNumber: z.int(), hypothesis: z.nullish(z.string()) })),
    pageToken: z.nullish(z.union([z.string(), z.int()])),
  }),
)
interface StartedRun {
  runNumber: string | number
}
const PAGE_SIZE = 50
/** With the page size, limits the search to the 2,000 newest runs of a scenario. */
const MAX_PAGES = 40
/** Delays before each search of a retry: Gremlin can list a new run late. */
const FIND_DELAYS_MS = [0, 1_000, 2_000]
/** Another run of the scenario is in progress. */
const CONFLICT = 409
/** A key that may only run scenarios cannot read their runs. */
const UNREADABLE = [403, 404, 405]
/**
 * Gremlin: runs a scenario. The hypothesis of the run contains the idempotency key.
 *
 * @see https://www.gremlin.com/docs/fault-injection-scenarios
 * @see https://github.com/gremlin/gremlin-python Gremlin's own client
 */
export const gremlin = defineJob({
  title: 'Gremlin',
  noun: 'scenario run',
  connection,
  headers: ({ token }) => ({ authorization: `Key ${token}` }),
  check: ({ http, connection }) => http.get('v1/scenarios/active', { query: teamOf(connection) }),

  states,
  runId: {
    pattern: /^[\w-]{1,64}#\d{1,15}$/,
    description: 'a run id such as 522ceaff-995f-43f4-acea-ff995f03f44e#7',
    within: 'target',
  },
  identify: ({ runNumber }: StartedRun, { connection: { webUrl } }, guid) => ({
    id: String(runNumber),
    url: `${webUrl.replace(/\/$/, '')}/scenarios/detail/${segment(guid)}/runs/${segment(runNumber)}`,
  }),

  checkStart({ target, project, ref, parameters = {} }, connection) {
    if (!GUID.test(target)) throw invalidInput('input.target', 'must be the GUID of a scenario')
    checkAllowed(connection.allow, target)
    if (project !== connection.project)
      throw invalidInput('input.project', 'is not supported: calls can use only the team of the connection')
    if (ref !== undefined) throw invalidInput('input.ref', 'is not supported: a scenario has no versions')
    const { hypothesis = '', ...others } = parameters
    if (typeof hypothesis !== 'string') throw invalidInput('input.parameters.hypothesis', 'must be text')
    if (Object.keys(others).length > 0)
      throw invalidInput('input.parameters', 'may contain only hypothesis: the scenario defines everything else')
  },

  lookUp: { newest: MAX_PAGES * PAGE_SIZE, delaysMs: FIND_DELAYS_MS, needs: { text: 'a key that may read runs' } },

  async find({ http, connection, idempotencyKey, isRetry }, { target }) {
    let found: StartedRun | undefined | 'unknown'
    for (const pause of isRetry ? FIND_DELAYS_MS : [0]) {
      await sleep(pause)
      found = await search(http, connection, target, { idempotencyKey, isRetry })
      if (found && found !== 'unknown') break
    }
    return found
  },

  async start({ http, connection, idempotencyKey }, { target, parameters }) {
    const hypothesis = [parameters?.['hypothesis'], idempotencyKey && `${MARKER} ${idempotencyKey}`]
      .filter(Boolean)
      .join('; ')
    const { status, body } = await http.post(runsPath(target), hypothesis ? { hypothesis } : {}, {
      query: teamOf(connection),
      accept: [CONFLICT],
      schema: runNumber,
    })
    if (status !== CONFLICT) return { runNumber: body }
    // Transient: nothing was started, and the other run will end.
    throw retryLater(
      `Gremlin did not start scenario ${target} because another run is in progress: ${redact(errorReasonIn(body))}`,
    )
  },

  async getStatus({ http, connection }, run) {
    const { body } = await http.get(runPath(run), { query: teamOf(connection), schema: oneRun })
    return { ...statusOf(body), run: { runNumber: run.localId } }
  },

  async stop({ http, connection }, { parent, localId }) {
    const path = `v1/scenarios/halt/${segment(parent)}/runs/${segment(localId)}`
    await http.post(path, undefined, { query: teamOf(connection) })
  },
})

/**
 * Searches page by page, newest runs first. If Gremlin returns no runs in this order although it knows the scenario, the
 * search starts again with the oldest run.
 */
async function search(
  http: Http,
  connection: Connection,
  guid: string,
  call: { idempotencyKey: string; isRetry: boolean },
  forward = false,
): Promise<StartedRun | undefined | 'unknown'> {
  let after: string | number | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { ...teamOf(connection), limit: PAGE_SIZE, runNumber: after, forward: String(forward) }
    const options = { query, accept: UNREADABLE, schema: runPage }
    const { status, body } = await http.get(`${runsPath(guid)}/paged`, options)
    // Gremlin also returns 404 if the scenario has never run.
    if (status === 404 && !call.isRetry) return undefined
    if (UNREADABLE.includes(status)) return 'unknown'
    const found = body.items.find(({ hypothesis }) => hypothesis?.includes(call.idempotencyKey))
    if (found) return found
    if (page === 0 && body.items.length === 0 && !forward) return search(http, connection, guid, call, true)
    if (!body.pageToken || body.items.length === 0) return undefined
    after = body.pageToken
  }
  return 'unknown'
}

function teamOf({ project }: Connection) {
  return { teamId: project }
}

function runsPath(guid: StartJob['target']): string {
  return `v1/scenarios/${segment(guid)}/runs`
}

function runPath({ parent, localId }: IdentifiedRun): string {
  return `${runsPath(parent)}/${segment(localId)}`
}

const GUID = /^[\w-]{1,64}$/
