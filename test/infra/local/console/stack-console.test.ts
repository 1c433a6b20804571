import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type StackConsole, startStackConsole } from '../../../../infra/local/console/stack/stack-console.ts'
import { closeServer, listen } from '../../../../infra/local/port.ts'
import { type Runtime, startRuntime } from '../../../../infra/local/runtime.ts'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { triggered, until } from '../../../e2e/service.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { itInBrowser, launchBrowser, violations } from './chromium.ts'

// biome-ignore lint/suspicious/noExplicitAny: the tests check the structure.
type Json = any
interface Line {
  group: string
  at: number
  text: string
}

const STACK = 'CloudAutomationWebhooks'
const lines: Line[] = []
let isLogAllowed = true
let runtime: Runtime
let stackConsole: StackConsole
let taskId: string
let approvalId: string

/** CloudWatch Logs with the lines of the runtime's functions. */
const logs = createServer(async (req, res) => {
  let body = ''
  for await (const chunk of req) body += chunk
  if (!isLogAllowed) {
    res.writeHead(400).end(JSON.stringify({ __type: 'AccessDeniedException', message: 'logs:FilterLogEvents' }))
    return
  }
  const {
    logGroupName,
    startTime,
    endTime = Number.POSITIVE_INFINITY,
    filterPattern = '',
    nextToken,
  } = JSON.parse(body)
  const taskId = /taskId = "(\w+)"/.exec(filterPattern)?.[1]
  const matches = (text: string) =>
    filterPattern === '' ||
    (taskId
      ? text.includes(taskId)
      : /"message":"policy evaluated"/.test(text) || (/"message":"request"/.test(text) && !/"taskId"/.test(text)))
  const found = lines.filter(
    ({ group, at, text }) => group === logGroupName && at >= startTime && at <= endTime && matches(text),
  )
  // The first page is empty, as it may be for a large log group.
  const events = nextToken === undefined ? [] : found
  const page = events.map(({ at, text }) => ({ timestamp: at, message: text, logStreamName: 'one' }))
  res.writeHead(200).end(JSON.stringify({ events: page, ...(nextToken === undefined && { nextToken: 'second' }) }))
})

beforeAll(async () => {
  process.env['AWS_ENDPOINT_URL_CLOUDWATCH_LOGS'] = await listen(logs, 0)
  const policyFile = join(state, 'rules.yaml')
  writeFileSync(
    policyFile,
    'enforce: false\nrules: [{ name: no issues, when: { actions: ["*/open-issue"] }, deny: No }]',
  )
  runtime = await startRuntime({
    port: 0,
    state,
    policyFile,
    timeScale: 10,
    observe(event) {
      if (event.from !== 'cloud' || event.kind !== 'log') return
      lines.push({ group: `/aws/lambda/${event.functionName}`, at: event.at, text: event.line })
    },
  })
  const call = async (path: string, body: object): Promise<Json> => {
    const headers = { authorization: `Bearer ${demo.callerToken}`, 'content-type': 'application/json' }
    return (await fetch(`${runtime.url}/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  await call('issue-ticketing/open-issue', { input: { title: 'Silent' } })
  await call('issue-ticketing/open-issue', { input: {} })
  taskId = (await call('issue-ticketing/open-issue?mode=interactive', triggered({ input: { title: 'From a task' } })))
    .taskId
  const approval = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: { question: 'Release?' } })
  approvalId = (await call('notification/ask-approval?mode=interactive', approval)).taskId
  const { endpoint, credentials } = runtime.cloud
  const lambda = new LambdaClient({ endpoint, region: 'eu-west-1', credentials })
  const started = await startStackConsole({
    lambda,
    stack: STACK,
    port: 0,
    sinceMs: 3_600_000,
    isReadOnly: true,
    events: {
      sources: { alerts: { type: 'alertmanager', wakes: [] } },
      rules: [{ name: 'open', source: 'alerts', call: 'issue-ticketing/open-issue' }],
    },
    sources: async () => [{ name: 'github', type: 'github', missed: 2, isSilent: true }],
  })
  if (!started) throw new Error('The stack has no functions.')
  stackConsole = started
})
afterAll(async () => {
  await stackConsole?.close()
  await runtime?.close()
  await closeServer(logs)
})
const state = temporaryFolder()

const key = () => new URL(stackConsole.link).searchParams.get('key')
const fetchFrom = (path: string, init: RequestInit = {}) =>
  fetch(new URL(path, stackConsole.link), { headers: { authorization: `Bearer ${key()}` }, ...init })
const read = async (path: string): Promise<Json> => (await fetchFrom(`/console/${path}`)).json()

/** Opens a stream, as a page does, and waits until the list meets a condition. */
async function listWhen(meets: (calls: Json[]) => boolean): Promise<Json> {
  let list: Json = { calls: [] }
  await until(
    async () => {
      const stream = new AbortController()
      await fetchFrom('/console/stream', { headers: { authorization: `Bearer ${key()}` }, signal: stream.signal })
      stream.abort()
      list = await read('calls')
      return meets(list.calls)
    },
    60,
    () => `the calls, which are ${JSON.stringify(list).slice(0, 2_000)}`,
  )
  return list
}

describe('the read-only console of a deployed stack', () => {
  it('lists tasks from their executions, and other calls from the logs', async () => {
    const { calls } = await listWhen(
      (found) => found.length === 4 && found.every(({ verdict }) => verdict !== 'running'),
    )
    const byId = Object.fromEntries(calls.map((one: Json) => [one.id, one]))
    expect(byId[taskId]).toMatchObject({ action: 'open-issue', verdict: 'pass', caller: 'demo', answer: 'sent' })
    expect(byId[approvalId]).toMatchObject({ action: 'ask-approval', verdict: 'waiting' })
    const silent = calls.filter(({ mode }: Json) => mode === 'silent')
    expect(silent).toHaveLength(2)
    expect(silent).toContainEqual(
      expect.objectContaining({ action: 'open-issue', verdict: 'pass', provider: 'github' }),
    )
    expect(silent).toContainEqual(expect.objectContaining({ action: 'open-issue', verdict: 'refused' }))
    expect((await read('overview?hours=1')).calls).toBe(4)
  })

  it('shows a task with its steps, input, outcome, requests and log', async () => {
    const detail = await read(`calls/${taskId.slice(0, 8)}`)
    expect(detail).toMatchObject({ input: { title: 'From a task' }, outcome: { result: 'pass' } })
    expect(detail.outgoing).toContainEqual(
      expect.objectContaining({ platform: 'GitHub', method: 'POST', step: 'start' }),
    )
    expect(detail.log).toContainEqual(expect.objectContaining({ message: 'task ended' }))
    const names = detail.waterfall.rows.map(({ name }: Json) => name)
    expect(names).toEqual(expect.arrayContaining(['Run the action', 'Answer to sandbox']))
    const { calls } = await read('calls?verdict=refused')
    const refused = await read(`calls/${calls[0].id}`)
    expect(refused.log).toContainEqual(expect.objectContaining({ message: 'request', reason: expect.any(String) }))
  })

  it('shows the rules for alerts of this machine, without notifications', async () => {
    expect(await read('alerts')).toEqual({
      rules: [{ name: 'open', source: 'alerts', call: 'issue-ticketing/open-issue', connection: 'default', limit: '' }],
      sources: [{ name: 'alerts', type: 'alertmanager', stored: 0 }],
      notifications: [],
      notice: expect.stringContaining('A stack stores no notifications'),
    })
    expect((await fetchFrom('/console/alerts/1')).status).toBe(404)
  })

  it('shows what the policy decided, what waits, and why it cannot show the rules', async () => {
    const { policy, problem, decisions, waiting } = await read('policy')
    expect(policy).toBeUndefined()
    expect(problem).toContain('Start the console in a checkout of the deployed version.')
    expect(decisions).toHaveLength(2)
    expect(decisions[0]).toMatchObject({
      call: '',
      name: 'issue-ticketing/open-issue',
      origin: 'with default from demo',
      detail: 'no issues',
      effect: 'Logged: would be refused',
      isRefused: false,
    })
    expect(waiting).toMatchObject([{ call: approvalId }])
  })

  it('shows a call whose log cannot be read, with the reason', async () => {
    isLogAllowed = false
    const { logProblem, outcome } = await read(`calls/${taskId}`)
    isLogAllowed = true
    expect([logProblem, outcome.result]).toEqual([expect.stringContaining('logs:FilterLogEvents'), 'pass'])
  })

  it('changes nothing, and is closed to those without its link', async () => {
    const change = { method: 'POST', headers: { authorization: `Bearer ${key()}`, 'content-type': 'application/json' } }
    for (const path of [`calls/${approvalId}/cancel`, 'actions/ci-cd/start-test', 'sequences/release'])
      expect([path, (await fetchFrom(`/console/${path}`, change)).status]).toEqual([path, 403])
    expect(await (await fetch(new URL('/', stackConsole.link))).text()).not.toContain('data-account')
    expect((await fetchFrom('/console/calls', { headers: {} })).status).toBe(401)
    expect((await fetchFrom('/?key=wrong', { redirect: 'manual', headers: {} })).status).toBe(200)
    const opened = await fetch(stackConsole.link, { redirect: 'manual' })
    expect([opened.status, opened.headers.get('set-cookie')]).toEqual([303, expect.stringContaining('HttpOnly')])
  })

  it('does not exist for an unknown stack', async () => {
    const { endpoint, credentials } = runtime.cloud
    const lambda = new LambdaClient({ endpoint, region: 'eu-west-1', credentials })
    expect(await startStackConsole({ lambda, stack: 'Other', port: 0, sinceMs: 1 })).toBeUndefined()
  })
})

itInBrowser('its page is accessible, read-only, and copies commands instead of acting', async () => {
  const browser = await launchBrowser()
  try {
    const permissions = ['clipboard-read', 'clipboard-write']
    const page = await (await browser.newContext({ reducedMotion: 'reduce', permissions })).newPage()
    await page.goto(stackConsole.link)
    await page.getByText('Read-only: copy commands to act').waitFor()
    expect(await page.getByRole('navigation', { name: 'Main' }).getByRole('link').allTextContents()).toEqual([
      'Calls',
      'Overview',
      'Policy',
      'Alerts',
    ])
    expect(await violations(page)).toEqual([])
    await page.getByRole('link', { name: /ask-approval/ }).click()
    await page.getByRole('button', { name: 'Copy cancel command' }).click()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
      `npx webhooks tasks notification/${approvalId} --stack ${STACK} --cancel`,
    )
    expect(await page.getByRole('button', { name: 'Copy re-run command' }).isDisabled()).toBe(true)
    expect(await page.getByRole('button', { name: 'Cancel call' }).count()).toBe(0)
    expect(await violations(page)).toEqual([])
    await page.goto(new URL('/#/send', stackConsole.link).href)
    await page.getByRole('heading', { name: 'Calls' }).waitFor({ state: 'attached' })
    await page.goto(new URL('/#/overview', stackConsole.link).href)
    await page.getByRole('heading', { name: 'Outcomes' }).waitFor()
    await page.getByRole('row', { name: 'github never silent never 2' }).waitFor()
    expect(await violations(page)).toEqual([])
    await page.goto(new URL('/#/alerts', stackConsole.link).href)
    await page.getByText('A stack stores no notifications').waitFor()
    expect(await page.getByLabel('events.yaml').count()).toBe(0)
    expect(await violations(page)).toEqual([])
  } finally {
    await browser.close()
  }
})
