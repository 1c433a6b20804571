import { hmacBase64, isSame } from '../../../shared/hmac.ts'
import { tokenHash } from '../../project/token-hash.ts'
import { routeTable } from '../../testing/route-table.ts'
import { type FakeCall, type FakeReply, json, jsonObject } from '../platforms/sandbox/http.ts'
import { type Engine, type EngineClient, EngineError, type EngineRequest } from './engine.ts'
import type { Ending, EngineRun, EngineRuns } from './runs.ts'
import { pathOf, type Step } from './step.ts'
import { readTaskStatus } from './task-status.ts'

const MAX_AGE_SECONDS = 300
const MAX_KEY_BYTES = 64
/** Between two attempts to call the webhook. */
const RETRY_MS = 1_000
const MAX_ATTEMPTS = 60

/**
 * Simulates a workflow that calls, and then waits at a resume URL of its own, as n8n does, and verifies the signature of the answer. Until
 * it waits, the URL answers 409. A workflow that is stopped cancels its task in its error handler.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const callback: Engine = {
  name: 'callback',
  title: 'Workflow with a resume URL',
  summary: 'The call supplies a URL, which gets one signed request.',

  secrets: ({ root, credential }) => ({
    callers: {
      callback: { tokens: [tokenHash(credential('token'))], categories: ['*'], orchestrator: 'callback' },
    },
    orchestrators: { callback: { type: 'callback', allow: [`${root}/resume/`], signingKey: signingKey(credential) } },
  }),

  platform: (runs, { credential }) => ({
    error: (status, message) => json(status, { message }),
    answer: (call) => resume(runs, signingKey(credential), call),
    shownPath: (path) => path.replace(/^(\/resume\/).+/, '$1***'),
  }),

  async run(run, client) {
    const request = requestOf(run, run.step, client, { callback: `${client.root}/resume/${run.secret}` })
    for (let attempts = 1; ; attempts++) {
      const { status, body } = await client.send(request)
      if (status === 202) return client.ending()
      const isTemporary = status === 0 || status === 429 || status >= 500
      if (!isTemporary || attempts === MAX_ATTEMPTS)
        throw new EngineError(`The call got ${status}: ${readTaskStatus(body).message || body}`)
      await client.sleep(RETRY_MS)
    }
  },

  async cancel(run, client) {
    await client.send(requestOf(run, { ...run.step, action: `${run.step.action}/cancel` }, client))
  },
}

function requestOf({ id }: EngineRun, step: Step, client: EngineClient, more: object = {}): EngineRequest {
  const { data, input } = step
  return {
    path: pathOf(step, { mode: 'interactive' }),
    headers: { authorization: `Bearer ${client.credential('token')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, ...more, data, input }),
  }
}

function signingKey(credential: (purpose: string) => string): string {
  return `whsec_${Buffer.from(credential('signing')).subarray(-MAX_KEY_BYTES).toString('base64')}`
}

/** Any method, because the workflow says which one it expects. */
const waitingRun = routeTable<{ runs: EngineRuns }, EngineRun | undefined>()({
  '{method} /resume/{secret}': ({ runs, params }) => runs.bySecret('callback', params.secret),
})

function resume(runs: EngineRuns, key: string, call: FakeCall): FakeReply {
  const run = waitingRun(`${call.method} ${call.path}`, { runs })
  if (!run) return json(404, { message: 'Unknown resume URL' })
  const answer = responseTo(runs, run, key, call)
  const what = String(call.headers['webhook-id'])
  runs.record(run.id, { direction: 'answer', what, status: answer.status, body: call.body })
  return answer
}

function responseTo(runs: EngineRuns, { id, isGone }: EngineRun, key: string, call: FakeCall): FakeReply {
  if (call.method !== 'POST') return json(405, { message: 'Send a POST.' })
  if (!isSigned(call, key)) return json(401, { message: 'The signature is not valid.' })
  const { data } = (jsonObject(call.body) ?? {}) as { data?: Ending }
  if (!data) return json(400, { message: 'The body has no data.' })
  const isWaiting = runs.messages(id).some(({ direction, status }) => direction === 'call' && status === 202)
  if (!isWaiting && !isGone) return json(409, { message: `The execution "${id}" is running already` })
  // A workflow resumes once, and ignores what comes after.
  const reception = runs.end(id, { verdict: data.verdict, message: data.message }, String(call.headers['webhook-id']))
  return json(reception === 'gone' ? 410 : 200, { reception }, {}, reception)
}

function isSigned({ headers, body }: FakeCall, key: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > MAX_AGE_SECONDS) return false
  const expected = hmacBase64(Buffer.from(key.replace('whsec_', ''), 'base64'), `${id}.${timestamp}.${body}`)
  return String(signatures)
    .split(' ')
    .some((signature) => isSame(signature, `v1,${expected}`))
}
