import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { closeServer, listen } from '../../../infra/local/port.ts'
import { readRuntimeFile } from '../../../infra/local/runtime-file.ts'
import { tokenHash } from '../../../infra/project/token-hash.ts'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { readBody } from '../../../infra/sandbox/platforms/sandbox/http.ts'
import { Service, until } from '../../e2e/service.ts'
import { waitForAll } from '../../wait-for-all.ts'
import { aws } from './aws.ts'
import { atTerminal, type Ended, spawnWebhooks, webhooks } from './webhooks.ts'

const TIME_SCALE = 10
const token = 'token-of-a-pipeline'
const callers = {
  demo: { tokens: [tokenHash(demo.callerToken)], categories: ['*'], orchestrator: 'sandbox', reads: 'all' },
  pipeline: { tokens: [tokenHash(token)], categories: ['*'] },
}
const service = new Service({ timeScale: TIME_SCALE, secrets: { 'cloud-automation-webhooks/callers': callers } })
beforeAll(() => service.start())
afterAll(() => service.end())

const run = (line: string, as = token) => webhooks(`${line} --url ${service.url} --token ${as}`)
const send = async (line: string) => {
  const { code, out } = await run(`send ${line} --json`)
  return { code, ...JSON.parse(out) }
}
/** Starts a task that hangs, and returns its id. */
const hang = async (key: string): Promise<string> => {
  const input = '--input target=clear-cache --input parameters.outcome=hang'
  return (await send(`remediation/run-runbook --mode interactive --no-wait --key ${key} ${input}`)).body.taskId
}
const openIssue = (key: string) => send(`issue-ticketing/open-issue --mode interactive --key ${key} --input title=Slow`)

/** Runs a command as an operator: with AWS credentials, and without a token of a caller. */
const asOperator = (line: string) => {
  const runtime = readRuntimeFile(service.state)?.aws
  if (!runtime) throw new Error('The runtime does not run.')
  const env = {
    AWS_ACCESS_KEY_ID: runtime.accessKeyId,
    AWS_SECRET_ACCESS_KEY: runtime.secretAccessKey,
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL_LAMBDA: runtime.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: runtime.dynamodb,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: runtime.endpoint,
    AWS_ENDPOINT_URL_STS: aws.url,
  }
  return webhooks(`${line} --stack CloudAutomationWebhooks`, { env })
}
const parsed = async (ended: Promise<Ended>) => {
  const { code, out } = await ended
  return { code, ...JSON.parse(out) }
}

describe('webhooks send --key', () => {
  it('sends a call without an event, for a caller without an orchestrator', async () => {
    expect(await openIssue('build-42')).toMatchObject({ code: 0, status: 202, task: { verdict: 'pass' } })
    const line = 'send issue-ticketing/open-issue --mode interactive --key build-42 --input title=Slow'
    const out = expect.stringContaining('Without an event, use mode=gate, or a caller without an orchestrator.')
    expect(await run(line, demo.callerToken)).toMatchObject({ code: 1, out })
  })

  it('asks a gate', async () => {
    const gate = () => send('remediation/run-runbook --mode gate --key build-42 --input target=clear-cache')
    expect(await gate()).toMatchObject({ status: 200, body: { taskId: expect.any(String) } })
    await until(
      async () => (await gate()).body.verdict === 'pass',
      25,
      () => 'the end of the task',
    )
  })
})

describe('webhooks tasks', () => {
  it('answer --again sends the result of an ended task again', async () => {
    const { body } = await openIssue('answer')
    const answer = `answer issue-ticketing/${body.taskId}`
    expect(await run(answer)).toMatchObject({ code: 2, err: expect.stringContaining('--again') })
    const short = `answer issue-ticketing/${body.taskId.slice(0, 8)} --again`
    for (const answered of [run(short), asOperator(short)])
      expect(await parsed(answered)).toMatchObject({ code: 0, taskId: body.taskId })
    expect(await run(`${answer} --again`, demo.callerToken)).toMatchObject({ code: 1 })
    expect(await parsed(run(`${answer} --again`))).toMatchObject({ code: 0, verdict: 'pass' })
  })

  it('--cancel cancels a task of its caller', async () => {
    const cancel = `tasks remediation/${await hang('cancel')} --cancel`
    expect(await run(cancel, demo.callerToken)).toMatchObject({ code: 1 })
    const aborted = { code: 0, verdict: 'aborted', outcome: { status: 'aborted' } }
    expect(await parsed(run(`${cancel} --follow`))).toMatchObject(aborted)
  })

  it('changes the tasks of all callers in the local runtime without a token', async () => {
    const asLocalOperator = (line: string) => parsed(webhooks(line, { env: { WEBHOOKS_STATE: service.state } }))
    const taskId = await hang('local-operator')
    const task = `remediation/${taskId.slice(0, 8)}`
    expect(await asLocalOperator(`tasks ${task}`)).toMatchObject({ code: 0, taskId, state: 'running' })
    const message = expect.stringContaining('Canceled by an operator')
    const aborted = { code: 0, taskId, verdict: 'aborted', outcome: { message } }
    expect(await asLocalOperator(`tasks ${task} --cancel --follow`)).toMatchObject(aborted)
    const rerun = await asLocalOperator(`tasks ${task} --rerun`)
    expect(rerun).toMatchObject({ code: 0, rerunOf: taskId })
    const again = `tasks remediation/${rerun.taskId.slice(0, 8)} --cancel --follow`
    expect(await asLocalOperator(again)).toMatchObject({ verdict: 'aborted', rerunOf: taskId })
    expect(await asLocalOperator(`answer ${task} --again`)).toMatchObject({ code: 0, taskId })
    const err = expect.stringContaining('There is no task')
    const line = `tasks remediation/${'0'.repeat(40)} --cancel`
    expect(await webhooks(line, { env: { WEBHOOKS_STATE: service.state } })).toMatchObject({ code: 1, err })
  })

  it('lists the tasks of a category, in a state or with a verdict', async () => {
    const taskId = await hang('list')
    const list = async (filter: string) => {
      const { out } = await run(`tasks --json ${filter}`, demo.callerToken)
      return (JSON.parse(out) as { taskId: string }[]).map(({ taskId }) => taskId)
    }
    expect(await list('--category remediation --state running')).toEqual([taskId])
    expect(await list('--category remediation --state finished')).not.toContain(taskId)
    expect(await list('--category remediation --verdict running')).toEqual([taskId])
    expect(await list('--category slo')).toEqual([])
    expect(await list('--action run-runbook --connection default --limit 1')).toEqual([taskId])
  })

  it('shows the same columns for the local runtime and for a stack, and completes short ids', async () => {
    const taskId = await hang('columns')
    const short = `remediation/${taskId.slice(0, 8)}`
    const row = new RegExp(`^${short} +running +run-runbook +default +\\d+ s( +Waiting for .+)?$`, 'm')
    for (const show of [(line: string) => run(line, demo.callerToken), asOperator]) {
      const { out } = await show('tasks')
      expect(out).toMatch(/^TASK +VERDICT +ACTION +CONNECTION +AGE +MESSAGE\n/)
      expect(out).toMatch(row)
      expect(await parsed(show(`tasks ${short}`))).toMatchObject({ taskId })
    }
  })

  it('is colored on a terminal only, and not with NO_COLOR', async () => {
    await openIssue('color')
    const line = `tasks --verdict pass --url ${service.url} --token ${demo.callerToken}`
    const passed = '\x1b[32mpass'
    expect((await atTerminal(line, [])).out).toContain(passed)
    expect((await atTerminal(line, [], { env: { NO_COLOR: '1' } })).out).not.toContain(passed)
    expect((await webhooks(line)).out).not.toContain(passed)
  })

  it('--follow prints the tasks that change, as JSON with the names of the HTTP interface', async () => {
    const { child, ended } = spawnWebhooks(['tasks', '--follow', '--json', '--url', service.url], {})
    const taskId = await hang('follow')
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    const lines = () => out.split('\n').filter((line) => line.includes(taskId) && line.endsWith('}'))
    const printed = (verdict: string) =>
      until(
        async () => lines().some((line) => JSON.parse(line).verdict === verdict),
        30,
        () => out,
      )
    await printed('running')
    await run(`tasks remediation/${taskId} --cancel`)
    await printed('aborted')
    child.kill()
    await ended
    const fields = [
      'taskId',
      'category',
      'action',
      'connection',
      'caller',
      'context',
      'state',
      'verdict',
      'progress',
      'message',
    ]
    expect(Object.keys(JSON.parse(lines()[0] ?? ''))).toEqual([...fields, 'acceptedAt'])
  })
})

describe('webhooks tasks --stack', () => {
  it('shows, cancels and runs again the task of any caller', async () => {
    const taskId = await hang('operator')
    const task = `remediation/${taskId.slice(0, 8)}`
    expect(await parsed(asOperator(`tasks ${task}`))).toMatchObject({ taskId, state: 'running' })
    const err = expect.stringContaining('running')
    expect(await asOperator(`tasks ${task} --rerun`)).toMatchObject({ code: 1, err })
    const message = expect.stringContaining('Canceled by operator Jane')
    const canceled = { verdict: 'aborted', outcome: { message } }
    expect(await parsed(asOperator(`tasks ${task} --cancel --follow`))).toMatchObject(canceled)
    const listed = JSON.parse((await asOperator('tasks --verdict aborted --json')).out)
    expect(listed).toContainEqual(expect.objectContaining({ taskId, category: 'remediation' }))
    const rerun = await parsed(asOperator(`tasks ${task} --rerun`))
    expect(rerun).toMatchObject({ rerunOf: taskId })
    expect(await parsed(asOperator(`tasks remediation/${rerun.taskId} --cancel --follow`))).toMatchObject({
      taskId: rerun.taskId,
      rerunOf: taskId,
      verdict: 'aborted',
    })
    expect(await parsed(asOperator(`answer ${task} --again`))).toMatchObject({ code: 0, taskId })
  })

  it('explains what is wrong', async () => {
    const unknown = { code: 1, err: expect.stringContaining('There is no task') }
    expect(await asOperator(`tasks remediation/${'0'.repeat(40)}`)).toMatchObject(unknown)
    const listing = 'npx webhooks tasks --category remediation'
    expect(await run('tasks remediation/ffffffff')).toMatchObject({ code: 1, err: expect.stringContaining(listing) })
    expect(await asOperator('tasks remediation/ffffffff')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`${listing} --stack CloudAutomationWebhooks`),
    })
    const nowhere = { code: 1, err: expect.stringContaining('No AWS region is configured. Set AWS_REGION.') }
    expect(await webhooks('tasks slo/1 --stack Other')).toMatchObject(nowhere)
  })
})

const root = join(import.meta.dirname, '../../..')
const actionFolder = join(root, '.github/actions/webhook')
const target = (key: string) => `remediation/run-runbook?mode=interactive&key=${key}`
const bodyOf = (parameters: object) => JSON.stringify({ input: { target: 'clear-cache', parameters } })

describe('The shell loop of docs/poll.md', () => {
  /** Returns the exit code and the output of the script. */
  function loop(key: string, parameters: object, WEBHOOKS_TOKEN = token, WEBHOOKS_URL = service.url) {
    const env = { ...process.env, WEBHOOKS_URL, WEBHOOKS_TOKEN }
    return promisify(execFile)('sh', [join(actionFolder, 'wait.sh'), target(key), bodyOf(parameters)], { env }).then(
      (ended) => ({ code: 0, ...ended }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    )
  }

  it('is the script of the composite action', () => {
    const page = readFileSync(join(root, 'docs/poll.md'), 'utf8')
    expect(page).toContain(`\`\`\`sh\n${readFileSync(join(actionFolder, 'wait.sh'), 'utf8')}\`\`\``)
  })

  it('waits for the task, exits with 0 after a pass and with 1 after a fail, and finds the same task again', async () => {
    const failure = { seconds: 1, outcome: 'failure' }
    const [passed, failed] = await waitForAll([loop('passes', { seconds: 1 }), loop('fails', failure)])
    expect(passed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^pass Execution \d+ ended/m) })
    expect(failed.stderr).toMatch(/^fail Execution \d+ ended/m)
    expect(JSON.parse(passed.stdout)).toMatchObject({ verdict: 'pass', state: 'finished' })
    expect([failed.code, JSON.parse(failed.stdout).verdict]).toEqual([1, 'fail'])
    expect((await loop('fails', failure)).stdout).toBe(failed.stdout)
  })

  it('prints a line when something changes, and the reason at the end', async () => {
    const waits = { verdict: 'running', progress: 'Waiting for "ops" \\ people' }
    const ends = { verdict: 'fail', progress: '', outcome: { result: 'fail', message: 'Rejected: "not today"' } }
    const statuses = [{ verdict: 'running', progress: '' }, waits, waits, ends]
    const api = createServer((req, res) => {
      const body = req.method === 'POST' ? { statusUrl: `${url}/task` } : statuses.shift()
      res.end(JSON.stringify(body))
    })
    const url = await listen(api, 0)
    const { code, stderr } = await loop('lines', {}, token, url)
    await closeServer(api)
    expect({ code, lines: stderr.split('\n') }).toEqual({
      code: 1,
      lines: [
        `task ${url}/task`,
        'running ',
        'running Waiting for "ops" \\\\ people',
        'fail Rejected: "not today"',
        '',
      ],
    })
  })

  it('exits with 2 and the problem if the call is refused', async () => {
    const stderr = expect.stringContaining('The token is not valid')
    expect(await loop('refused', {}, 'wrong')).toMatchObject({ code: 2, stderr })
  })

  /**
   * Runs a function with the URL of a gateway before the API.
   *
   * @param intercept called for each request. Returns true if it gets no response
   */
  async function withGateway<T>(intercept: (req: IncomingMessage) => boolean, use: (url: string) => Promise<T>) {
    const gateway = createServer(async (req, res) => {
      const { body } = await readBody(req)
      if (intercept(req)) return
      const headers = { authorization: String(req.headers.authorization), 'content-type': 'application/json' }
      const init = req.method === 'POST' ? { method: 'POST', body } : {}
      const response = await fetch(`${service.url}${req.url}`, { headers, ...init })
      res.writeHead(response.status).end((await response.text()).replaceAll(service.url, url))
    })
    const url = await listen(gateway, 0)
    try {
      return await use(url)
    } finally {
      gateway.closeAllConnections()
      await closeServer(gateway)
    }
  }

  const methods: string[] = []
  let afterBreaks: ReturnType<typeof loop>
  beforeAll(() => {
    const breakFirst = ({ method = '', socket }: IncomingMessage) => {
      methods.push(method)
      const isFirst = methods.filter((one) => one === method).length === 1
      if (isFirst) socket.destroy()
      return isFirst
    }
    // Its pauses take ten seconds.
    afterBreaks = withGateway(breakFirst, (url) => loop('breaks', { seconds: 1 }, token, url))
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('cancels its task on %s', async (signal) => {
    let script: ChildProcess | undefined
    let out = ''
    const stop = ({ method }: IncomingMessage) => method === 'GET' && script?.kill(signal) === true
    await withGateway(stop, async (WEBHOOKS_URL) => {
      const env = { ...process.env, WEBHOOKS_URL, WEBHOOKS_TOKEN: token }
      const line = [join(actionFolder, 'wait.sh'), target(signal), bodyOf({ outcome: 'hang' })]
      script = spawn('sh', line, { env, stdio: ['ignore', 'ignore', 'pipe'] })
      script.stderr?.on('data', (chunk) => {
        out += chunk
      })
      expect(await once(script, 'close')).toEqual([143, null])
    })
    const [, taskId = ''] = /^task .*\/(\w+)$/m.exec(out) ?? []
    // The response to the cancellation.
    expect(out).toContain(`"taskId":"${taskId}"`)
    const status = async () => parsed(run(`tasks remediation/${taskId}`))
    await until(
      async () => (await status()).verdict === 'aborted',
      30,
      () => out,
    )
  })

  it('continues after a connection breaks', async () => {
    const { code } = await afterBreaks
    expect([code, methods.slice(0, 4)]).toEqual([0, ['POST', 'POST', 'GET', 'GET']])
  })

  it('runs in the composite action with its inputs', () => {
    const { inputs, runs } = parse(readFileSync(join(actionFolder, 'action.yml'), 'utf8'))
    const [step] = runs.steps
    const used = [...JSON.stringify(step.env).matchAll(/inputs\.(\w+)/g)].map(([, name]) => name)
    expect(used.sort()).toEqual(Object.keys(inputs).sort())
    // Values in a script could inject code.
    expect(step.run).not.toContain('${{')
    // Without exec, the script does not get the signals of the runner.
    expect(step.run).toMatch(/^exec sh .*wait\.sh/m)
    expect(inputs.key.default).toMatch(/github\.job .*github\.action /)
  })
})

it.each([
  ['pass', { seconds: 1 }, 0],
  ['fail', { seconds: 1, outcome: 'failure' }, 1],
])('webhooks wait exits with the verdict %s', async (verdict, parameters, code) => {
  const headers = { 'content-type': 'application/json' }
  const { body } = await service.call(`/v1/${target(`cli-${verdict}`)}`, bodyOf(parameters), { token, headers })
  expect(await parsed(webhooks(`wait ${body.statusUrl} --token ${token}`))).toMatchObject({ code, verdict })
})
