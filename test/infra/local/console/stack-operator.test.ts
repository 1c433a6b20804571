import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type StackConsole, startStackConsole } from '../../../../infra/local/console/stack/stack-console.ts'
import { stopViews } from '../../../../infra/local/console/stop-views.ts'
import { readRuntimeFile } from '../../../../infra/local/runtime-file.ts'
import { tokenHash } from '../../../../infra/project/token-hash.ts'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { ok, type Served, serve } from '../../../../infra/testing/loopback-server.ts'
import { Failure } from '../../../../shared/errors.ts'
import { Service } from '../../../e2e/service.ts'
import { type Receiver, SIGNING_KEY, startReceiver } from '../../../shared/orchestrators/callback/receiver.ts'
import { aws } from '../../cli/aws.ts'
import { startAwsProxy } from './aws-proxy.ts'
import { itInBrowser, launchBrowser, violations } from './chromium.ts'

// biome-ignore lint/suspicious/noExplicitAny: the tests check the structure.
type Json = any

const STACK = 'CloudAutomationWebhooks'
const OPERATOR = 'arn:aws:iam::123456789012:user/Jane'
const token = 'token-of-a-pipeline'
const callers = {
  demo: { tokens: [tokenHash(demo.callerToken)], categories: ['*'], orchestrator: 'sandbox' },
  pipeline: { tokens: [tokenHash(token)], categories: ['*'], orchestrator: 'callback' },
}
let receiver: Receiver
let service: Service
let proxy: Served
let logs: Served
let stackConsole: StackConsole
let readOnly: StackConsole
beforeAll(async () => {
  receiver = await startReceiver()
  const callback = { type: 'callback', signingKey: SIGNING_KEY, allow: [`${receiver.url}/wait/`] }
  const prefix = 'cloud-automation-webhooks'
  const secrets = { [`${prefix}/callers`]: callers, [`${prefix}/orchestrators/callback`]: callback }
  service = await new Service({ timeScale: 20, secrets }).start()
  const runtime = readRuntimeFile(service.state)?.aws
  if (!runtime) throw new Error('The runtime does not run.')
  proxy = await startAwsProxy(runtime)
  logs = await serve(() => ok({ events: [] }))
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_LAMBDA: proxy.url,
    AWS_ENDPOINT_URL_DYNAMODB: proxy.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: proxy.url,
    AWS_ENDPOINT_URL_STS: aws.url,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.url,
  })
  const options = { stack: STACK, port: 0, sinceMs: 3_600_000 }
  stackConsole = started(await startStackConsole({ lambda: service.lambdaClient(), ...options }))
  readOnly = started(await startStackConsole({ lambda: service.lambdaClient(), ...options, isReadOnly: true }))
})
beforeEach(() => proxy.recover())
afterAll(async () => {
  for (const one of [stackConsole, readOnly, proxy, logs, receiver]) await one?.close()
  await service?.end()
})

function started(console: StackConsole | undefined): StackConsole {
  if (!console) throw new Error('The stack has no functions.')
  return console
}

const bearer = (of: StackConsole) => ({ authorization: `Bearer ${new URL(of.link).searchParams.get('key')}` })
async function request(
  path: string,
  init: RequestInit = {},
  of = stackConsole,
): Promise<{ status: number; body: Json }> {
  const response = await fetch(new URL(`/console/${path}`, of.link), { headers: bearer(of), ...init })
  return { status: response.status, body: await response.json() }
}
const act = (id: string, what: string, headers: Record<string, string> = bearer(stackConsole), of = stackConsole) =>
  request(`calls/${id}/${what}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } }, of)

/** Waits until the console shows a call that meets a condition. */
async function call(id: string, meets: (call: Json) => boolean = () => true, of = stackConsole): Promise<Json> {
  let shown: Json
  await service.until(
    async () => {
      // As a page does: the console reads while one is open.
      const stream = new AbortController()
      await fetch(new URL('/console/stream', of.link), { headers: bearer(of), signal: stream.signal })
      stream.abort()
      const { status, body } = await request(`calls/${id}`, {}, of)
      shown = body
      return status === 200 && meets(body)
    },
    `the call ${id}, which is ${JSON.stringify(shown)?.slice(0, 1_000)}`,
  )
  return shown
}
const hasEnded = ({ endedAt }: Json) => endedAt !== undefined

let runs = 0
/** Starts a task of the caller "pipeline", and waits until the console shows it. */
async function run(outcome: 'hang' | 'success'): Promise<string> {
  const body = {
    id: `run-${++runs}`,
    input: { target: 'clear-cache', parameters: { outcome } },
    callback: `${receiver.url}/wait/${runs}`,
  }
  const { body: accepted } = await service.call('/v1/remediation/run-runbook?mode=interactive', body, { token })
  await call(accepted.taskId, ({ endedAt }) => outcome === 'hang' || endedAt !== undefined)
  return accepted.taskId
}
async function canceled(): Promise<string> {
  const id = await run('hang')
  await act(id, 'cancel')
  await call(id, hasEnded)
  return id
}
/** Waits for the audit lines of an operation on a task. */
async function audited(operation: string, taskId: string): Promise<Json[]> {
  const lines = () => service.logs().filter(({ audit, taskId: id }) => audit === operation && id === taskId)
  await service.until(() => lines().length > 0, `the audit line of ${operation}`)
  return lines()
}
/** Lets AWS reject the next request of an operation, as it does without a permission. */
function deny(action: string, on: Parameters<Served['failNext']>[2] = { on: action.split(':')[1] ?? '' }): void {
  const message = `User: ${OPERATOR} is not authorized to perform: ${action} on resource: * because no identity-based policy allows the ${action} action`
  proxy.failNext(400, { __type: 'AccessDeniedException', message }, on)
}
const invokes = { on: ({ path }: { path: string }) => path.endsWith('/invocations') }

describe('an operator in the console of a stack', () => {
  it('cancels the running task of another caller, and the audit trail has the ARN of the operator', async () => {
    const id = await run('hang')
    expect(await act(id.slice(0, 8), 'cancel')).toMatchObject({ status: 200, body: { status: 202 } })
    const ended = await call(id, hasEnded)
    expect(ended).toMatchObject({ caller: 'pipeline', verdict: 'aborted' })
    expect(ended.text).toMatch(/^Canceled by operator Jane, and the job was stopped/)
    expect(receiver.accepted).toContainEqual(
      expect.objectContaining({ id: `${id}-finished`, body: expect.objectContaining({ type: 'task.finished' }) }),
    )
    expect(await audited('task', id)).toMatchObject([{ caller: 'pipeline', outcome: 'aborted', by: OPERATOR }])
    expect(await act(id, 'cancel')).toMatchObject({ status: 409, body: { message: 'This call has ended.' } })
  })

  it('runs a task again as one new task, which names the first one', async () => {
    const id = await canceled()
    const [first, second] = [await act(id, 'rerun'), await act(id, 'rerun')]
    expect([first.status, second.body]).toEqual([200, first.body])
    const { id: again } = first.body
    expect(again).not.toBe(id)
    // The response comes after the console has read the new task, for its link.
    expect((await request(`calls/${again}`)).body).toMatchObject({ id: again, rerunOf: id, caller: 'pipeline' })
    const { calls } = (await request('calls?category=remediation')).body
    expect(calls.filter((one: Json) => one.id === again)).toHaveLength(1)
    expect(await act(again, 'cancel')).toMatchObject({ status: 200 })
    expect(await call(again, hasEnded)).toMatchObject({ verdict: 'aborted' })
    expect(await audited('rerun', id)).toMatchObject([{ by: OPERATOR, caller: 'pipeline', outcome: 'accepted' }])
    const answers = receiver.accepted.map((message) => message.id)
    expect(answers.filter((answer) => answer === `${again}-finished`)).toEqual([])
  })

  it('sends the stored answer again, with the id of the first one', async () => {
    const id = await run('success')
    await service.until(() => receiver.accepted.some((one) => one.id === `${id}-finished`), 'the answer')
    expect(await act(id, 'answer')).toMatchObject({ status: 200, body: { status: 202 } })
    await service.until(() => receiver.duplicates.includes(`${id}-finished`), 'the answer that is sent again')
    const sent = receiver.calls.filter(({ headers }) => headers['webhook-id'] === `${id}-finished`)
    expect(sent.map(({ body }) => body)).toEqual([sent[0]?.body, sent[0]?.body])
    const sentAgain = ({ waterfall }: Json) => waterfall.rows.some(({ name }: Json) => name === 'Send the answer again')
    expect(await call(id, sentAgain)).toMatchObject({ id, verdict: 'pass', answer: 'sent' })
    expect(await audited('answer', id)).toMatchObject([{ by: OPERATOR, caller: 'pipeline' }])
  })

  it('reads which permission is missing, and nothing is changed', async () => {
    const running = await run('hang')
    const refused = (action: string) => ({
      status: 409,
      body: { message: expect.stringMatching(new RegExp(`not permitted.*allow ${action},.* Nothing was changed\\.$`)) },
    })
    deny('dynamodb:PutItem')
    expect(await act(running, 'cancel')).toMatchObject(refused('dynamodb:PutItem'))
    expect(await call(running)).toMatchObject({ verdict: 'running' })
    await act(running, 'cancel')
    await call(running, hasEnded)
    const before = { tasks: (await service.tasks()).length, duplicates: [...receiver.duplicates] }
    for (const what of ['rerun', 'answer']) {
      deny('lambda:InvokeFunction', invokes)
      expect([what, await act(running, what)]).toMatchObject([what, refused('lambda:InvokeFunction')])
      deny('secretsmanager:GetSecretValue')
      expect([what, await act(running, what)]).toMatchObject([what, refused('secretsmanager:GetSecretValue')])
    }
    expect({ tasks: (await service.tasks()).length, duplicates: receiver.duplicates }).toEqual(before)
  })

  it('cannot be another page, or a user without the key', async () => {
    const id = await run('hang')
    const key = bearer(stackConsole)
    for (const [headers, status] of [
      [{}, 401],
      [{ authorization: 'Bearer guess' }, 401],
      [{ ...key, origin: 'https://evil.example' }, 403],
      [{ ...key, origin: 'null' }, 403],
      [{ ...key, 'content-type': 'text/plain' }, 403],
    ] as [Record<string, string>, number][])
      expect([headers, (await act(id, 'cancel', headers)).status]).toEqual([headers, status])
    expect((await act(id, 'try')).status).toBe(409)
    expect(await call(id)).toMatchObject({ verdict: 'running' })
  })

  it('cannot act with --read-only', async () => {
    const id = await run('hang')
    await call(id, () => true, readOnly)
    const message = expect.stringContaining('--read-only')
    for (const what of ['cancel', 'rerun', 'answer'])
      expect(await act(id, what, bearer(readOnly), readOnly)).toMatchObject({ status: 403, body: { message } })
    expect(await call(id)).toMatchObject({ verdict: 'running' })
  })
})

itInBrowser('the page asks before each action, names the stack, and shows the new state', async () => {
  const id = await run('hang')
  const browser = await launchBrowser()
  try {
    const page = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage()
    await page.goto(`${stackConsole.link}#/calls/${id}`)
    await page.goto(new URL(`/#/calls/${id}`, stackConsole.link).href)
    await page.getByText('You act as operator Jane').waitFor()
    const name = (what: string) => `${what} on ${STACK}`
    const confirm = page.getByRole('alertdialog')
    await page.getByRole('button', { name: 'Cancel call' }).click()
    expect(await confirm.textContent()).toMatch(
      new RegExp(`Cancel run-runbook.*the stack ${STACK} in account \\d+, eu-west-1`),
    )
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Keep it' }).click()
    expect(await call(id)).toMatchObject({ verdict: 'running' })
    await page.getByRole('button', { name: 'Cancel call' }).click()
    await page.getByRole('button', { name: name('Cancel call') }).click()
    await page.locator('.dtitle .v.aborted').waitFor()
    await page.getByRole('button', { name: 'Re-run' }).click()
    expect(await confirm.textContent()).toContain('It acts at')
    await page.getByRole('button', { name: name('Run again') }).click()
    const link = page.getByRole('status').getByRole('link')
    const again = (await link.getAttribute('href'))?.split(/[/?]/).at(2) ?? ''
    expect(await violations(page)).toEqual([])
    await link.click()
    await page.getByRole('link', { name: `runs ${id.slice(0, 8)} again` }).waitFor()
    await act(again, 'cancel')
  } finally {
    await browser.close()
  }
})

describe('Stop and resume on a stack', () => {
  const headers = { 'content-type': 'application/json' }
  const post = (path: string, body = {}, of = stackConsole) =>
    request(path, { method: 'POST', headers: { ...headers, ...bearer(of) }, body: JSON.stringify(body) }, of)

  it('have the name of the operator, and write audit lines with the ARN', async () => {
    expect((await post('stops', { reason: ' ' })).status).toBe(400)
    const { status, body } = await post('stops', { reason: 'bad release' })
    const [{ id }] = body.changed
    expect(status).toBe(200)
    const stop = { id, by: 'operator Jane', reason: 'bad release', scope: 'everything' }
    expect((await request('stops')).body).toMatchObject({ stops: [stop] })
    expect((await post(`stops/${id}/resume`)).status).toBe(200)
    expect(await post(`stops/${id}/resume`)).toEqual({ status: 409, body: { message: `There is no stop ${id}.` } })
    expect((await request('stops')).body).toEqual({ stops: [] })
    const lines = service.logs().filter(({ audit }) => audit === 'stop' || audit === 'resume')
    expect(lines).toMatchObject([
      { audit: 'stop', by: OPERATOR },
      { audit: 'resume', by: OPERATOR },
    ])
  })

  it('are not part of a console that is read-only', async () => {
    expect((await post('stops', { reason: 'bad release' }, readOnly)).status).toBe(403)
    expect((await request('stops', { headers: bearer(readOnly) }, readOnly)).body).toEqual({ stops: [] })
  })

  it('explain why they cannot be read', async () => {
    const refused = new Error('Reading the stops is not permitted.')
    expect(await stopViews(() => Promise.reject(refused))).toEqual({ stops: [], problem: refused.message })
    const unknown = new Failure('invalid', 'The stack has no function for stops.')
    expect(await stopViews(() => Promise.reject(unknown))).toEqual({ stops: [], problem: undefined })
  })
})
