import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { type Served, serve } from '../../infra/testing/loopback-server.ts'
import { Service } from './service.ts'

const prefix = 'cloud-automation-webhooks'
const token = 'token-of-a-workflow'
let engine: Served
let service: Service
/** The results that the resume URL got, and the responses to the calls. */
const results: string[] = []
const responses: unknown[] = []
/** The results that the engine has accepted. A response after the end of this test would count as one of the next test. */
let accepted = 0
const STEPS = 3
const RESPONSE_MS = 500

/** A step of a workflow: it calls with the id of the execution, and waits at the URL of the execution. */
async function call(): Promise<void> {
  const body = { id: 'execution-2', callback: `${engine.url}/webhook-waiting/2`, input: { title: 'Twice' } }
  const { status } = await service.call('/v1/issue-ticketing/open-issue?mode=interactive', JSON.stringify(body), {
    token,
    headers: { 'content-type': 'application/json' },
  })
  responses.push(status)
}

beforeAll(async () => {
  engine = await serve(async ({ body }) => {
    results.push((body as { verdict: string }).verdict)
    // The execution comes to its next step while the task waits for this response.
    if (results.length < STEPS) void call()
    await wait(RESPONSE_MS)
    accepted += 1
    return { status: 200 }
  })
  service = await new Service({
    timeScale: 10,
    secrets: {
      [`${prefix}/callers`]: { n8n: { tokens: [tokenHash(token)], categories: ['*'], orchestrator: 'n8n' } },
      [`${prefix}/orchestrators/n8n`]: { type: 'callback', format: 'plain', allow: [`${engine.url}/webhook-waiting/`] },
    },
  }).start()
})
afterAll(async () => {
  await service.end()
  await engine.close()
})

it('Each step of a workflow that sends the same call gets the result, and the action runs once', async () => {
  const before = (await service.issues()).length
  await call()
  await service.until(async () => accepted === STEPS, `${STEPS} results: ${results}, ${responses}`)
  expect([results, responses]).toEqual([Array(STEPS).fill('pass'), Array(STEPS).fill(202)])
  expect((await service.issues()).length - before).toBe(1)
})
