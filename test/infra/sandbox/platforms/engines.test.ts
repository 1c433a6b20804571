import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Webhook } from 'standardwebhooks'
import { closeServer, listen } from '../../../../infra/local/port.ts'
import { argoRollouts } from '../../../../infra/sandbox/engines/argo-rollouts.ts'
import { callback } from '../../../../infra/sandbox/engines/callback.ts'
import { runStep } from '../../../../infra/sandbox/engines/client.ts'
import type { Engine } from '../../../../infra/sandbox/engines/engine.ts'
import { flagger } from '../../../../infra/sandbox/engines/flagger.ts'
import { placeOf } from '../../../../infra/sandbox/engines/place.ts'
import { poll } from '../../../../infra/sandbox/engines/poll.ts'
import { releaseSteps } from '../../../../infra/sandbox/engines/release.ts'
import { createEngineRuns } from '../../../../infra/sandbox/engines/runs.ts'
import { readBody } from '../../../../infra/sandbox/platforms/sandbox/http.ts'
import { createSandbox } from '../../../../infra/sandbox/platforms/sandbox/index.ts'
import type { Sandbox } from '../../../../infra/sandbox/platforms/sandbox/sandbox.ts'
import { openStore, RETENTION_MS } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'

type Body = Record<string, unknown>

const key = () => 'key-of-the-engines-0123456789'
const folder = temporaryFolder()
let sandbox: Sandbox
let url: string
/** The calls that the webhooks got. */
let calls: Body[]
/** Their methods and paths. */
let paths: string[]
/** The responses of the webhooks, in order. The last one repeats. */
let responses: { status: number; body: object | string }[]
/** Called before the response to a call. */
let beforeResponse: (call: Body) => Promise<unknown>
/** The lines that the engine prints. */
let printed: string[]
let close: () => Promise<void>
beforeEach(async () => {
  calls = []
  paths = []
  printed = []
  beforeResponse = async () => undefined
  responses = [{ status: 202, body: { taskId: 'task-1' } }]
  const state = mkdtempSync(join(folder, 'state-'))
  const server = createServer(async (req, res) => {
    if (req.url?.startsWith('/sandbox')) return void sandbox.handle(req, res)
    const call = JSON.parse((await readBody(req)).body || '{}')
    calls.push(call)
    paths.push(`${req.method} ${req.url}`)
    await beforeResponse(call)
    const { status, body } = (responses.length > 1 ? responses.shift() : responses[0]) ?? { status: 500, body: {} }
    res
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  url = await listen(server, 0)
  sandbox = createSandbox({ state, engines: { url, key } })
  close = async () => {
    sandbox.close()
    await closeServer(server)
  }
})
afterEach(() => close())

function releaseStep() {
  const [step] = releaseSteps
  if (!step) throw new Error('The release has no steps.')
  return step
}

function run(engine: Engine, id = randomUUID(), signal = new AbortController().signal) {
  return runStep(engine, id, releaseStep(), {
    url,
    key,
    signal,
    print: (line) => printed.push(line),
    pollMs: 50,
    timeScale: 50,
  })
}

/** Sends a result to the resume URL of a call. */
async function answer(call: Body | undefined, verdict: string, id = 'task-1-finished', signingKey = signing()) {
  const body = JSON.stringify({ type: 'task.finished', data: { verdict, message: 'Deployed' } })
  const at = new Date()
  const { status } = await fetch(String(call?.['callback']), {
    method: 'POST',
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(signingKey).sign(id, at, body),
    },
    body,
  })
  return status
}

function signing(): string {
  const { orchestrators = {} } = callback.secrets(placeOf(callback, { url, key }))
  return String(Object(orchestrators['callback']).signingKey)
}

/** Waits until the engine has the response to a number of calls. */
async function called(count = 1): Promise<Body | undefined> {
  const answered = () => sandbox.engineRuns.list().flatMap(({ id }) => sandbox.engineRuns.messages(id))
  while (answered().filter(({ direction }) => direction === 'call').length < count)
    await new Promise((resolve) => setTimeout(resolve, 5))
  return calls[0]
}

const fault = (engine: Engine, kind: 'call-twice' | 'restart' | '500') =>
  sandbox.faults.add({ target: `engines/${engine.name}`, kind, count: 1 })

test('The engine with a resume URL takes one signed result, and notices another one', async () => {
  const id = randomUUID()
  const ended = run(callback, id)
  const call = await called()
  expect(await answer(call, 'pass', 'task-1-finished', `whsec_${Buffer.alloc(32).toString('base64')}`)).toBe(401)
  expect(await answer(call, 'pass')).toBe(200)
  expect(await ended).toEqual({ verdict: 'pass', message: 'Deployed' })
  expect(await answer(call, 'pass')).toBe(200)
  expect(sandbox.engineRuns.get(id)).toMatchObject({ contradictions: 0 })
  await answer(call, 'pass', 'task-2-finished')
  await answer(call, 'fail')
  expect(sandbox.engineRuns.get(id)).toMatchObject({ ending: { verdict: 'pass' }, contradictions: 2 })
})

test('The engine with a resume URL answers 409 until its workflow waits', async () => {
  const early: number[] = []
  beforeResponse = async (call) => early.push(await answer(call, 'pass'))
  const ended = run(callback)
  const call = await called()
  expect(early).toEqual([409])
  expect(await answer(call, 'pass')).toBe(200)
  expect(await ended).toMatchObject({ verdict: 'pass' })
  const path = '/v1/ci-cd/trigger-deployment?mode=interactive'
  expect(printed).toEqual([`-> POST ${path}`, '<- 202', '<- task-1-finished, answered with 200'])
})

test('A CI pipeline prints the same lines, however often it reads the status', async () => {
  const status = (verdict: string) => ({ status: 200, body: { verdict, outcome: { message: 'Deployed' } } })
  responses = [
    { status: 202, body: { taskId: 'task-1', statusUrl: `${url}/v1/tasks/1` } },
    status('running'),
    status('running'),
    status('pass'),
  ]
  const id = randomUUID()
  expect(await run(poll, id)).toEqual({ verdict: 'pass', message: 'Deployed' })
  const path = `/v1/ci-cd/trigger-deployment?mode=interactive&key=${id}`
  expect(printed).toEqual([`-> POST ${path}`, '<- 202', '-> GET /v1/tasks/1?wait=25', 'verdict pass'])
})

test.each([callback, poll])(
  '$title cancels its task if it is stopped, with the request of its call',
  async (engine) => {
    const stop = new AbortController()
    const body = { taskId: 'task-1', statusUrl: `${url}/v1/tasks/1`, verdict: 'running' }
    responses = [
      { status: 202, body },
      { status: 200, body },
    ]
    const ended = run(engine, randomUUID(), stop.signal)
    await called()
    stop.abort()
    await expect(ended).rejects.toThrow('aborted')
    const { callback: _, ...call } = calls[0] ?? {}
    expect(paths.at(-1)).toBe(paths[0]?.replace('?', '/cancel?'))
    expect(calls.at(-1)).toEqual(call)
  },
)

test('Flagger asks to roll back first, confirms the promotion at the maximum weight, and cancels the task at the end', async () => {
  const hooks = () =>
    paths.map((path, index) => {
      const [, hook] = /(\/cancel|invert=any)/.exec(path) ?? []
      return `${calls[index]?.['phase']} ${hook ?? 'confirm'}`
    })
  const closed = { status: 424, body: 'nothing to roll back' }
  const running = { status: 409, body: 'running: 20 %' }
  const failed = { status: 200, body: 'fail: Too slow' }
  responses = [closed, closed, closed, running, running, running, failed, { status: 200, body: {} }]
  expect(await run(flagger)).toEqual({ verdict: 'fail', message: 'Too slow' })
  const rollback = 'Progressing invert=any'
  const confirm = 'WaitingPromotion confirm'
  expect(hooks()).toEqual([rollback, rollback, rollback, confirm, rollback, confirm, rollback, 'Failed /cancel'])
})

test('An engine that no longer waits refuses the result', async () => {
  const id = randomUUID()
  const ended = run(callback, id)
  const call = await called()
  expect((await fetch(`${url}/sandbox/engine-runs/${id}`, { method: 'DELETE' })).status).toBe(204)
  await expect(ended).rejects.toThrow('no longer waits')
  expect(await answer(call, 'pass')).toBe(410)
  const listed = await (await fetch(`${url}/sandbox/engine-runs?engine=callback`)).text()
  expect(JSON.parse(listed)).toMatchObject([{ id, isGone: true, step: { name: 'staging deployment' } }])
  expect(listed).not.toContain(String(sandbox.engineRuns.get(id)?.secret))
  expect(sandbox.engineRuns.get(id)?.ending).toBeUndefined()
})

test('An engine that restarts and calls twice sends the same call, and continues its run', async () => {
  fault(callback, 'call-twice')
  fault(callback, 'restart')
  const ended = run(callback)
  const call = await called(4)
  await answer(call, 'warning')
  expect(await ended).toMatchObject({ verdict: 'warning' })
  expect(new Set(calls.map((one) => JSON.stringify(one))).size).toBe(1)
})

test('A fault of an engine affects the result that it gets', async () => {
  const ended = run(callback)
  const call = await called()
  fault(callback, '500')
  expect(await answer(call, 'pass')).toBe(500)
  expect(await answer(call, 'pass')).toBe(200)
  expect(await ended).toMatchObject({ verdict: 'pass' })
})

test('Argo Rollouts measures until the verdict is final, and gives up after 31 errors in a row', async () => {
  responses = [
    { status: 503, body: {} },
    { status: 200, body: { verdict: 'running' } },
    { status: 200, body: { verdict: 'fail', outcome: { message: 'Too slow' } } },
  ]
  expect(await run(argoRollouts)).toEqual({ verdict: 'fail', message: 'Too slow' })
  responses = [{ status: 409, body: { verdict: 'running' } }]
  expect(await run(argoRollouts)).toMatchObject({
    verdict: 'errored',
    message: expect.stringContaining('31 errors in a row'),
  })
})

test('The page shows the runs of an engine with its messages, and switches its faults', async () => {
  const ended = run(callback)
  await answer(await called(), 'pass')
  await ended
  const read = async () => (await fetch(`${url}/sandbox/engines`)).text()
  for (const text of ['staging deployment · pass: Deployed', 'POST /v1/ci-cd/trigger-deployment', 'task-1-finished'])
    expect(await read()).toContain(text)
  const press = (kind: string) =>
    fetch(`${url}/sandbox/engines`, {
      method: 'POST',
      body: new URLSearchParams({ engine: 'callback', kind }),
      redirect: 'manual',
    })
  expect((await press('reset')).status).toBe(303)
  expect(sandbox.faults.list()).toMatchObject([{ target: 'engines/callback', kind: 'reset' }])
  expect(await read()).toContain('value="reset" class="on"')
  await press('reset')
  expect(sandbox.faults.list()).toEqual([])
  const waiting = run(callback)
  await called(2)
  await press('give-up')
  await expect(waiting).rejects.toThrow('no longer waits')
  expect((await press('unknown')).status).toBe(400)
})

test('The sandbox keeps the runs of engines for 14 days', () => {
  const store = openStore()
  const runs = createEngineRuns(store)
  const started = runs.start('callback', randomUUID(), releaseStep())
  runs.record(started.id, { direction: 'call', what: 'POST /v1/ci-cd/trigger-deployment', status: 202, body: '' })
  store.deleteOld(Date.now() + RETENTION_MS - 60_000)
  expect(runs.messages(started.id)).toHaveLength(1)
  store.deleteOld(Date.now() + RETENTION_MS + 60_000)
  expect([runs.get(started.id), runs.messages(started.id)]).toEqual([undefined, []])
  store.close()
})
