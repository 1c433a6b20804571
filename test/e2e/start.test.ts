import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { shellWords } from '../../infra/project/shell-words.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { runInProcess } from '../runner/in-process.ts'
import { waitForAll } from '../wait-for-all.ts'
import { triggered, until } from './service.ts'
import { StartedRuntime } from './started-runtime.ts'

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'webhooks-start-'))
const runtime = new StartedRuntime(folder, {})
let url = ''
let output = ''
let outputWithPolicy = ''
/** The status of a load test. */
let afterRestart: { state: string } | undefined
beforeAll(async () => {
  await waitForAll([runtime.start(), restartDuringLoadTest()])
  ;({ url, output } = runtime)
})
afterAll(() => runtime.end())

/** Closes the output of a runtime during a load test, and restarts it. */
async function restartDuringLoadTest(): Promise<void> {
  const ownFolder = mkdtempSync(join(tmpdir(), 'webhooks-start-'))
  const policy = join(ownFolder, 'policy.yaml')
  writeFileSync(
    policy,
    'enforce: false\nrules: [{ name: sign-off, when: { actions: [notification/request-approval] }, deny: No }]\n',
  )
  const own = new StartedRuntime(ownFolder, { WEBHOOKS_DEMO: 'off', WEBHOOKS_POLICY: policy })
  const first = await own.start()
  outputWithPolicy = own.output
  const headers = { authorization: `Bearer ${demo.callerToken}`, 'content-type': 'application/json' }
  const post = (path: string, body: object) =>
    fetch(`${own.url}/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const target = `${own.url}/sandbox/shop/`
  const thresholds = [{ metric: 'errorRate', op: '<', value: 0.001 }]
  const loadTest = triggered({ input: { target, parameters: { rate: 20, duration: 2 }, thresholds } })
  const accepted = await post('load-testing/start-test?mode=interactive', loadTest)
  const { taskId } = (await accepted.json()) as { taskId: string }
  first.stdout?.destroy()
  first.stderr?.destroy()
  for (let n = 0; n < 5; n++)
    expect((await post('issue-ticketing/open-issue', { input: { title: 'Unread' } })).status).toBe(200)
  expect(first.exitCode).toBeNull()
  first.kill('SIGINT')
  expect(await once(first, 'exit')).toEqual([0, null])
  await own.start()
  const hasEnded = async () => {
    const response = await fetch(`${own.url}/v1/load-testing/tasks/${taskId}`, { headers })
    afterRestart = (await response.json()) as { state: string }
    return afterRestart.state !== 'running'
  }
  await until(hasEnded, 40, () => 'the end of the load test')
  await own.end()
}

/** Calls the URL of a printed curl command. Each word is plain or in single quotes. */
// biome-ignore lint/suspicious/noExplicitAny: the tests assert on any body.
async function paste(line: string): Promise<any> {
  const [curl, silent, target = '', ...rest] = [...line.matchAll(/'([^']*)'|([^\s']+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain,
  )
  expect([curl, silent]).toEqual(['curl', '-s'])
  const headers = new Headers()
  let body: string | undefined
  for (let at = 0; at < rest.length; at += 2) {
    const [option, value = ''] = rest.slice(at, at + 2)
    if (option === '-H') headers.set(...(value.split(': ', 2) as [string, string]))
    else if (option === '-d') body = value
    else throw new Error(`curl ${option}`)
  }
  return (await fetch(target, { headers, ...(body === undefined ? {} : { method: 'POST', body }) })).json()
}

const cli = (...args: string[]) => webhooks(args, { env: { WEBHOOKS_URL: url }, cwd: root })

describe('npm start', () => {
  it('says that a policy is active, with the warnings of policy check', () => {
    expect(outputWithPolicy).toMatch(
      /^The policy .*policy\.yaml is active: 1 rule, only logged \(enforce: false\)\. Digest: [0-9a-f]{12}$/m,
    )
    expect(outputWithPolicy).toContain(
      'Error: the rule "sign-off" names actions that do not exist: notification/request-approval\n',
    )
    expect(output).not.toContain('is active')
  })

  it('runs the incident sequence and prints each call and event with its time', () => {
    expect(output).toContain('The sequence passed.')
    const time = String.raw`^\d\d:\d\d:\d\d\.\d{3}Z +`
    for (const seen of [
      'openticket\\.triggered',
      '--> POST /v1/incident-management/open-ticket 202 in \\d+ ms',
      '<-- servicenow POST /api/now/table/incident 201 \\(opened INC0010001\\)',
      'task [0-9a-f]{8} start: succeeded',
      '<-- event sh\\.keptn\\.event\\.openticket\\.finished',
      '--> POST /v1/feature-flags/set-flag 202 in \\d+ ms',
      '<-- unleash POST \\S+/slow-recommendations/environments/production/off 200 \\(slow-recommendations is off in production\\)',
      '<-- event sh\\.keptn\\.event\\.toggleflag\\.finished',
      '--> POST /v1/slo/request-evaluation 202 in \\d+ ms',
      '<-- dynatrace GET /api/v2/slo 200',
      '<-- event sh\\.keptn\\.event\\.evaluation\\.finished',
      '<- +evaluation\\.finished +succeeded/pass +The evaluation passed with a score of 100',
    ]) {
      expect(output).toMatch(new RegExp(time + seen, 'm'))
    }
  })

  it('opens an incident for the problem and turns the flag off', async () => {
    const list = async (name: string) => (await fetch(`${url}/sandbox/${name}`)).json()
    expect(await list('incidents')).toMatchObject([
      {
        number: 'INC0010001',
        short_description: expect.stringContaining(`It's "slow" & <down>`),
        description: expect.stringContaining('https://monitoring.example.com/problems?displayId=P-220355&window=2h'),
        state: 'New',
      },
    ])
    const flags = (await list('flags')) as { name: string; environments: unknown[] }[]
    expect(flags.find(({ name }) => name === 'slow-recommendations')?.environments).toContainEqual(
      expect.objectContaining({ name: 'production', enabled: false }),
    )
  })

  it('prints the token and four curl commands that work as pasted', async () => {
    expect(output).toContain('Token: local-token')
    const lines = output.split('\n').filter((line) => line.trim().startsWith('curl '))
    expect(lines).toHaveLength(4)
    const [silent, interactive] = await waitForAll(lines.slice(0, 2).map(paste))
    expect(await paste(lines[3] ?? '')).toMatchObject({ event: 'firing', calls: 1 })
    expect(silent).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(interactive).toMatchObject({ duplicate: false })
    await until(
      async () => (await paste((lines[2] ?? '').replace('<statusUrl>', interactive.statusUrl))).state === 'finished',
      10,
      () => 'the end of the task',
    )
  })

  it('prints a command of the CLI that works on any port and with any state folder', async () => {
    const [, line = ''] = /In a second terminal: npx webhooks demo agent, or (.+)/.exec(output) ?? []
    const [setting = '', ...words] = shellWords(line, {})
    expect([setting, ...words.slice(0, 2)]).toEqual([`WEBHOOKS_STATE=${folder}`, 'npx', 'webhooks'])
    const { code, out } = await webhooks([words[2] ?? '', '--json'], { env: { WEBHOOKS_STATE: folder }, cwd: root })
    expect([code, JSON.parse(out).length > 0]).toEqual([0, true])
  })

  it('returns its tasks and events as JSON', async () => {
    const { tasks } = (await (await fetch(`${url}/tasks`)).json()) as { tasks: unknown[] }
    const events = (await (await fetch(`${url}/sandbox/events`)).json()) as unknown[]
    expect([tasks.length > 0, events.length > 0]).toEqual([true, true])
  })

  it('accepts only loopback host names, so that no web page can reach it', async () => {
    // fetch does not let a program set this header.
    const [answer] = (await once(get(`${url}/tasks`, { headers: { host: 'evil.example' } }), 'response')) as [
      IncomingMessage,
    ]
    answer.resume()
    expect(answer.statusCode).toBe(403)
  })

  it.each([
    [
      'a port that is in use',
      { WEBHOOKS_PORT: () => new URL(url).port },
      /Port \d+ is already in use\. .*WEBHOOKS_PORT/,
    ],
    [
      'a port that is in use, before it builds anything',
      { WEBHOOKS_PORT: () => new URL(url).port },
      /Port \d+ is already in use/,
      () => ['--build'],
    ],
    ['an invalid port', { WEBHOOKS_PORT: () => 'eighty' }, /WEBHOOKS_PORT must be a port number/],
    ['an invalid --port', { WEBHOOKS_PORT: () => '0' }, /--port must be a port number/, () => ['--port', '99999']],
    [
      'a --port that is in use',
      { WEBHOOKS_PORT: () => '0' },
      /Port \d+ is already in use/,
      () => ['--port', new URL(url).port],
    ],
    ['an unknown option', { WEBHOOKS_PORT: () => '0' }, /Unknown option '--prot'/, () => ['--prot', '9000']],
    [
      'a state folder that is a file',
      { WEBHOOKS_PORT: () => '0', WEBHOOKS_STATE: () => broken },
      /The state folder .* cannot be created \(EEXIST\)\. Set WEBHOOKS_STATE to a folder/,
    ],
    [
      'a secrets file that is not there',
      { WEBHOOKS_PORT: () => '0', WEBHOOKS_SECRETS: () => '/no/such/file' },
      /secrets file .* cannot be read/,
    ],
    [
      'a secrets file that is not JSON',
      { WEBHOOKS_PORT: () => '0', WEBHOOKS_SECRETS: () => broken },
      /secrets file .* is not JSON/,
    ],
  ])('exits at once with a clear message for %s', async (_, settings, message, options: () => string[] = () => []) => {
    const env = {
      ...process.env,
      WEBHOOKS_STATE: join(folder, 'other'),
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, value()])),
    }
    expect(await runInProcess(join(root, 'infra/cli/start.ts'), options(), { env, cwd: root })).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(message),
    })
  })
})

const broken = join(folder, 'broken.json')
writeFileSync(broken, '{"a": "MARKED-half')

it('A runtime continues after its output is closed, and continues a load test after a restart', () => {
  expect(afterRestart).toMatchObject({ state: 'finished', outcome: { status: 'succeeded', result: 'pass' } })
})

describe('webhooks send', () => {
  const open = ['send', 'issue-ticketing/open-issue']

  it.each<[string, string[], number, RegExp]>([
    [
      'prints the response of a silent call',
      [...open, '--input', 'title=From the CLI', '--input', 'labels=a,b'],
      0,
      /HTTP 200\n.*"result": "pass"/s,
    ],
    [
      'waits for the outcome of an interactive call',
      [...open, '--mode', 'interactive', '--send-started', '--input', 'title=T'],
      0,
      /HTTP 202\n.*"state": "finished"/s,
    ],
    ['exits with 1 if the call is rejected', [...open, '--input', 'titel=T'], 1, /Did you mean/],
    [
      'exits with 1 if the platform refuses',
      [...open, '--mode', 'interactive', '--input', 'title=T', '--input', 'project=demo/no-issues'],
      1,
      /Issues are disabled/,
    ],
  ])('%s', async (_name, args, code, out) => {
    expect(await cli(...args)).toEqual({ code, out: expect.stringMatching(out), err: expect.any(String) })
  })
})

it.each<[string[], RegExp]>([
  [['send', 'open-issue'], /Write it as category\/action/],
  [['send', 'issue-ticketing/open-issue', '--event', '/no/such'], /Cannot read the event file \/no\/such/],
  [['send', 'issue-ticketing/open-issue', '--input', 'title'], /Write it as name=value/],
  [['send', 'issue-ticketing/open-issue', '--url', 'http://127.0.0.1:9'], /Cannot connect to http:\/\/127\.0\.0\.1:9/],
  [['send', 'issue-ticketing/open-issue', '--nonsense'], /unknown option/],
  [['nonsense'], /unknown command/],
  [['sequence', 'incidnt'], /Unknown sequence "incidnt"\. Did you mean "incident"\?/],
])('webhooks %j exits with 2 and a message', async (args, message) => {
  expect(await cli(...args)).toMatchObject({ code: 2, err: expect.stringMatching(message) })
})

describe('webhooks sequence', () => {
  it('exits with 0 if the sequence passed', async () => {
    expect(await cli('sequence', 'slo')).toMatchObject({ code: 0, out: expect.stringContaining('slo passed') })
  })

  it('exits with 1 if a task did not pass', async () => {
    await fetch(`${url}/sandbox/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"target":"servicenow","kind":"401"}',
    })
    const { code, out } = await cli('sequence', 'incident')
    await fetch(`${url}/sandbox/faults`, { method: 'DELETE' })
    expect({ code, out }).toEqual({ code: 1, out: expect.stringMatching(/openticket\.finished +errored\/fail/) })
  })
})
