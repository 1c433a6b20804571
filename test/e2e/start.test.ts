import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { freePort, until } from './service.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'webhooks-start-'))
let child: ChildProcess
let output = ''
let url = ''

beforeAll(async () => {
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  child = spawn(process.execPath, ['infra/local/start.ts'], {
    cwd: root,
    env: { ...process.env, WEBHOOKS_PORT: String(port), WEBHOOKS_STATE: folder },
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  await until(
    async () => output.includes('Stop with Ctrl-C'),
    25,
    () => `the end of the start:\n${output}`,
  )
})
afterAll(async () => {
  child.kill('SIGKILL')
  await once(child, 'exit')
  rmSync(folder, { recursive: true, force: true })
})

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

interface Ran {
  code: number
  stdout: string
  stderr: string
}

async function webhooks(...args: string[]): Promise<Ran> {
  try {
    const { stdout, stderr } = await run(process.execPath, ['--no-warnings', 'infra/cli/main.ts', ...args], {
      cwd: root,
      env: { ...process.env, WEBHOOKS_URL: url },
    })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as Ran
    return { code, stdout, stderr }
  }
}

describe('npm start', () => {
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

  it('prints the token and three curl commands that work as pasted', async () => {
    expect(output).toContain('Token: local-demo-token')
    const lines = output.split('\n').filter((line) => line.trim().startsWith('curl '))
    expect(lines).toHaveLength(3)
    const [silent, interactive] = await Promise.all(lines.slice(0, 2).map(paste))
    expect(silent).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(interactive).toMatchObject({ duplicate: false })
    await until(
      async () => (await paste((lines[2] ?? '').replace('<statusUrl>', interactive.statusUrl))).state === 'finished',
      10,
      () => 'the end of the task',
    )
  })

  it('prints a command of the CLI that works on any port and with any state folder', async () => {
    const [, folderOfState, command] =
      /In a second terminal: WEBHOOKS_STATE='(.+)' npx webhooks (\w+ \w+)/.exec(output) ?? []
    expect([folderOfState, command]).toEqual([folder, 'sequence release'])
    const { WEBHOOKS_URL: _, ...env } = process.env
    const { stdout } = await run(process.execPath, ['--no-warnings', 'infra/cli/main.ts', 'console', '--json'], {
      cwd: root,
      env: { ...env, WEBHOOKS_STATE: folderOfState },
    })
    expect(JSON.parse(stdout).url).toBe(`${url}/`)
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
      ['--build'],
    ],
    ['an invalid port', { WEBHOOKS_PORT: () => 'eighty' }, /WEBHOOKS_PORT must be a port number/],
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
  ])('exits at once with a clear message for %s', async (_, settings, message, options: string[] = []) => {
    const env = {
      ...process.env,
      WEBHOOKS_STATE: join(folder, 'other'),
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, value()])),
    }
    await expect(
      run(process.execPath, ['infra/local/start.ts', ...options], { cwd: root, env, timeout: 15_000 }),
    ).rejects.toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(message) })
  })
})
const broken = join(folder, 'broken.json')
writeFileSync(broken, '{"a": "MARKED-half')

describe('A runtime', () => {
  const launch = async (state: string) => {
    const port = await freePort()
    const started = spawn(process.execPath, ['infra/local/start.ts'], {
      cwd: root,
      env: { ...process.env, WEBHOOKS_PORT: String(port), WEBHOOKS_STATE: state, WEBHOOKS_DEMO: 'off' },
    })
    await once(started.stdout, 'data')
    return { started, own: `http://127.0.0.1:${port}` }
  }
  const authorization = `Bearer ${demo.callerToken}`

  it('continues after its output is closed', async () => {
    const state = mkdtempSync(join(tmpdir(), 'webhooks-start-'))
    const { started, own } = await launch(state)
    started.stdout.destroy()
    started.stderr.destroy()
    for (let n = 0; n < 5; n++) {
      const body = JSON.stringify({ input: { title: 'Unread' } })
      const answer = await fetch(`${own}/v1/issue-ticketing/open-issue`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body,
      })
      expect(answer.status).toBe(200)
    }
    expect(started.exitCode).toBeNull()
    started.kill('SIGINT')
    expect(await once(started, 'exit')).toEqual([0, null])
    rmSync(state, { recursive: true })
  })

  it('continues a load test after a restart', async () => {
    const state = mkdtempSync(join(tmpdir(), 'webhooks-start-'))
    const first = await launch(state)
    const event = {
      id: randomUUID(),
      type: 'sh.keptn.event.test.triggered',
      shkeptncontext: randomUUID(),
      data: { project: 'demo', stage: 'staging', service: 'shop' },
      input: {
        target: `${first.own}/sandbox/shop/`,
        parameters: { rate: 20, duration: 5 },
        thresholds: [{ metric: 'errorRate', op: '<', value: 0.001 }],
      },
    }
    const accepted = await fetch(`${first.own}/v1/load-testing/start-test?mode=interactive`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(event),
    })
    const { taskId } = (await accepted.json()) as { taskId: string }
    // Its segment of five seconds would end in the two that are left to what is under way.
    await sleep(4_000)
    first.started.kill('SIGINT')
    await once(first.started, 'exit')
    // On the same port, which the target names.
    const again = spawn(process.execPath, ['infra/local/start.ts'], {
      cwd: root,
      env: { ...process.env, WEBHOOKS_PORT: new URL(first.own).port, WEBHOOKS_STATE: state, WEBHOOKS_DEMO: 'off' },
    })
    await once(again.stdout, 'data')
    const poll = async () =>
      (await (await fetch(`${first.own}/v1/load-testing/tasks/${taskId}`, { headers: { authorization } })).json()) as {
        state: string
        outcome?: object
      }
    await until(
      async () => (await poll()).state !== 'running',
      40,
      () => 'the end of the load test',
    )
    expect(await poll()).toMatchObject({ state: 'finished', outcome: { status: 'succeeded', result: 'pass' } })
    again.kill('SIGKILL')
    await once(again, 'exit')
    rmSync(state, { recursive: true })
  })
})

describe('webhooks send', () => {
  it('prints the response of a silent call', async () => {
    const { code, stdout } = await webhooks(
      'send',
      'issue-ticketing/open-issue',
      '--input',
      'title=From the CLI',
      '--input',
      'labels=a,b',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/HTTP 200\n.*"result": "pass"/s)
  })
  it('waits for the outcome of an interactive call', async () => {
    const { code, stdout } = await webhooks(
      'send',
      'issue-ticketing/open-issue',
      '--mode',
      'interactive',
      '--send-started',
      '--input',
      'title=T',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/HTTP 202\n.*"state": "finished"/s)
  })
  it('exits with 1 and the reason if the call is rejected', async () => {
    const { code, stdout } = await webhooks('send', 'issue-ticketing/open-issue', '--input', 'titel=T')
    expect(code).toBe(1)
    expect(stdout).toContain('Did you mean')
    expect(
      (
        await webhooks(
          'send',
          'issue-ticketing/open-issue',
          '--mode',
          'interactive',
          '--input',
          'title=T',
          '--input',
          'project=demo/no-issues',
        )
      ).code,
    ).toBe(1)
  })
  it('exits with 2 and a message for invalid arguments', async () => {
    for (const [args, message] of [
      [['send', 'open-issue'], /Write it as category\/action/],
      [['send', 'issue-ticketing/open-issue', '--event', '/no/such'], /Cannot read the event file \/no\/such/],
      [['send', 'issue-ticketing/open-issue', '--input', 'title'], /Write it as name=value/],
      [
        ['send', 'issue-ticketing/open-issue', '--url', 'http://127.0.0.1:9'],
        /Cannot connect to http:\/\/127\.0\.0\.1:9/,
      ],
      [['send', 'issue-ticketing/open-issue', '--nonsense'], /unknown option/],
      [['nonsense'], /unknown command/],
    ] as const) {
      const { code, stderr } = await webhooks(...args)
      expect({ args, code, stderr }).toEqual({ args, code: 2, stderr: expect.stringMatching(message) })
    }
  })
})

describe('webhooks tasks', () => {
  it('lists the tasks and shows one', async () => {
    await webhooks('send', 'issue-ticketing/open-issue', '--mode', 'interactive', '--input', 'title=Listed')
    const listed = await webhooks('tasks')
    const [task] = /issue-ticketing\/[0-9a-f]{8}/.exec(listed.stdout) ?? []
    expect(listed.stdout).toContain('  pass  ')
    expect(JSON.parse((await webhooks('tasks', task as string)).stdout)).toMatchObject({ state: 'finished' })
    expect((await webhooks('tasks', `issue-ticketing/${'0'.repeat(40)}`)).code).toBe(1)
    expect(JSON.parse((await webhooks('tasks', '--json')).stdout)).toContainEqual(
      expect.objectContaining({ state: 'finished', category: 'issue-ticketing' }),
    )
  })
})

describe('webhooks sequence', () => {
  it.each(['incident', 'slo'])('runs %s through its webhooks and exits with 0', async (name) => {
    const { code, stdout } = await webhooks('sequence', name)
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`${name} passed`) })
  })
  it('runs release: a workflow deploys to each stage, and a load test checks thresholds', async () => {
    const { code, stdout } = await webhooks('sequence', 'release')
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('release passed') })
    expect(
      stdout.match(/deployment\.finished +succeeded\/pass +Run demo\/shop#\d+ ended as completed\/success/g),
    ).toHaveLength(2)
    expect(stdout).toMatch(/test\.finished +succeeded\/pass +Load test [0-9a-f]+ ended as finished/)
    const runs = (await (await fetch(`${url}/sandbox/runs`)).json()) as { inputs: Record<string, string> }[]
    expect(runs.map(({ inputs }) => [inputs['stage'], inputs['image']])).toEqual([
      ['staging', 'registry.example.com/casdemoapp:1.4.2'],
      ['production', 'registry.example.com/casdemoapp:1.4.2'],
    ])
  })
  it('ends release in staging if the shop is too slow, and says by how much', async () => {
    await fetch(`${url}/sandbox/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"target":"shop","kind":"slow","delayMs":2500}',
    })
    const { code, stdout } = await webhooks('sequence', 'release')
    await fetch(`${url}/sandbox/faults`, { method: 'DELETE' })
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: expect.stringMatching(/test\.finished +succeeded\/fail +Load test .* p95 is [\d.]+, not < 2000/),
    })
    expect(stdout).not.toContain('production.release.triggered')
  })
  it('exits with 1 if a task did not pass', async () => {
    await fetch(`${url}/sandbox/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"target":"servicenow","kind":"401"}',
    })
    const { code, stdout } = await webhooks('sequence', 'incident')
    await fetch(`${url}/sandbox/faults`, { method: 'DELETE' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/openticket\.finished +errored\/fail/) })
  })
})

it.each([[], ['send'], ['tasks'], ['sequence'], ['preview']])(
  'webhooks %s --help describes its options and gives an example',
  async (...command) => {
    const { code, stdout } = await webhooks(...command, '--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/Usage: webhooks/)
    if (command.length > 0) expect(stdout).toMatch(/Examples?:/)
  },
)
