import { tokenHash } from '../../project/token-hash.ts'
import { routeTable } from '../../testing/route-table.ts'
import { errorResponse } from '../platforms/dynatrace/responses.ts'
import { bearer, type FakeReply, json, jsonObject } from '../platforms/sandbox/http.ts'
import { type Engine, type EngineClient, EngineError, type EngineResponse } from './engine.ts'
import type { EngineRun, EngineRuns } from './runs.ts'
import { pathOf } from './step.ts'
import { readTaskStatus } from './task-status.ts'

const name = 'dynatrace'
const EXECUTIONS = '/platform/automation/v1/executions'
const RETRY_MS = 1_000
/** Between two reads of the state of an execution. */
const POLL_MS = 250
/** For a request to the API of the engine itself. */
const TIMEOUT_MS = 5_000

/**
 * Simulates the workflow of docs/dynatrace/resume.yaml: it calls, pauses its execution, and reads the verdict when it was resumed.
 *
 * @see https://docs.dynatrace.com/docs/analyze-explore-automate/workflows
 */
export const dynatrace: Engine = {
  name,
  title: 'Dynatrace Workflows',
  summary: 'A workflow pauses its execution, and is resumed.',

  secrets: ({ root, credential }) => ({
    callers: { [name]: { tokens: [tokenHash(credential('token'))], categories: ['*'], orchestrator: name } },
    orchestrators: { [name]: { type: name, baseUrl: root, token: credential('platform'), answer: ['resume'] } },
  }),

  platform: (runs, { credential }) => ({
    error: (status, message) => errorResponse(status, message),
    answer: (call) =>
      bearer(call.headers) === credential('platform')
        ? (route(`${call.method} ${call.path}`, { runs }) ?? errorResponse(404, 'Not found'))
        : errorResponse(401, 'Unauthorized'),
  }),

  async run({ id, step }, client) {
    const headers = { authorization: `Bearer ${client.credential('token')}`, 'content-type': 'application/json' }
    const { data, input } = step
    const body = JSON.stringify({ id: slug(step.name), dynatrace: { execution: id }, context: id, data, input })
    const accepted = await patiently(client, () =>
      client.send({ path: pathOf(step, { mode: 'interactive' }), headers, body }),
    )
    const { statusUrl, message } = readTaskStatus(accepted.body)
    if (accepted.status !== 202 || statusUrl === undefined)
      throw new EngineError(`The task of the workflow failed: ${accepted.status} ${message || accepted.body}`)
    // An execution that is paused, or was resumed before the engine restarted, refuses to pause.
    await patiently(client, () => automation(client, 'POST', `/${id}/pause`), PAUSE_ANSWERS)
    while ((await stateOf(client, id)) === 'PAUSED') await client.sleep(POLL_MS)
    client.say('The execution paused, and was resumed.')
    const path = `${new URL(statusUrl).pathname}?wait=25`
    for (;;) {
      const status = await patiently(client, () => client.send({ method: 'GET', path, headers }))
      const { verdict, message } = readTaskStatus(status.body)
      if (verdict === undefined) throw new EngineError(`The status has no verdict: ${status.status} ${status.body}`)
      if (verdict !== 'running') return { verdict, message }
    }
  },
}

/** Returns the name of a task in a workflow: `staging_deployment`. */
function slug(step: string): string {
  return step.replaceAll(' ', '_')
}

/** Any other response to a pause is a fault: without the pause, the execution would never be resumed. */
const PAUSE_ANSWERS = [204, 400]

/**
 * Repeats a request until it gets a response that is not temporary.
 *
 * @param expected the statuses that are not temporary. Defaults to all below 500, except 429
 */
async function patiently(
  client: EngineClient,
  request: () => Promise<EngineResponse>,
  expected?: readonly number[],
): Promise<EngineResponse> {
  for (;;) {
    const response = await request()
    const { status } = response
    if (expected ? expected.includes(status) : status !== 0 && status !== 429 && status < 500) return response
    await client.sleep(RETRY_MS)
  }
}

/** Calls the API of the engine itself, as a JavaScript task of a workflow does. */
async function automation(client: EngineClient, method: string, path: string): Promise<EngineResponse> {
  try {
    const headers = { authorization: `Bearer ${client.credential('platform')}` }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(`${client.root}${EXECUTIONS}${path}`, { method, headers, signal })
    return { status: response.status, body: await response.text() }
  } catch {
    return { status: 0, body: '' }
  }
}

async function stateOf(client: EngineClient, id: string): Promise<unknown> {
  const { body } = await patiently(client, () => automation(client, 'GET', `/${id}`))
  return jsonObject(body)?.['state']
}

const route = routeTable<{ runs: EngineRuns }, FakeReply>()({
  'GET /platform/automation/v1/executions': ({ runs }) => {
    const results = runs.list(name).map((run) => executionOf(runs, run))
    return json(200, { count: results.length, results })
  },
  'GET /platform/automation/v1/executions/{id}': withRun((runs, run) => json(200, executionOf(runs, run))),
  'POST /platform/automation/v1/executions/{id}/pause': withRun((runs, run) => change(runs, run, 'pause', ['NEW'])),
  'POST /platform/automation/v1/executions/{id}/resume': withRun((runs, run) =>
    change(runs, run, 'resume', ['PAUSED']),
  ),
})

function withRun(then: (runs: EngineRuns, run: EngineRun) => FakeReply) {
  return ({ runs, params: { id } }: { runs: EngineRuns; params: { id: string } }): FakeReply => {
    const run = runs.get(id)
    return run?.engine === name ? then(runs, run) : errorResponse(404, `The execution ${id} does not exist`)
  }
}

function change(runs: EngineRuns, run: EngineRun, verb: 'pause' | 'resume', from: State[]): FakeReply {
  const state = progressOf(runs, run)
  const answer: FakeReply = from.includes(state)
    ? { status: 204, note: verb }
    : errorResponse(400, `Cannot ${verb} the execution: it is ${state}`)
  const direction = verb === 'resume' ? 'answer' : 'call'
  runs.record(run.id, { direction, what: verb, status: answer.status, body: '' })
  return answer
}

type State = 'NEW' | 'PAUSED' | 'RESUMED' | 'SUCCESS' | 'CANCELLED'

/** Derives the state from what the database has recorded, so that it survives a restart. */
function progressOf(runs: EngineRuns, { id, isGone, ending }: EngineRun): State {
  if (ending) return 'SUCCESS'
  if (isGone) return 'CANCELLED'
  const last = runs.messages(id).findLast(({ what, status }) => status === 204 && /^(?:pause|resume)$/.test(what))
  if (last === undefined) return 'NEW'
  return last.what === 'pause' ? 'PAUSED' : 'RESUMED'
}

function executionOf(runs: EngineRuns, run: EngineRun): object {
  const state = progressOf(runs, run)
  const { id, startedAt } = run
  return { id, state: state === 'NEW' || state === 'RESUMED' ? 'RUNNING' : state, title: run.step.name, startedAt }
}
