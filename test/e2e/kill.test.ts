import { randomUUID } from 'node:crypto'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import type { Call } from '../../infra/testing/loopback-server.ts'
import { startStepFunctions } from '../functions/optimization/aws-step-functions/fake.ts'
import { startEnvironment } from '../platforms/dynatrace/environment-server.ts'
import { startGithubApp } from '../platforms/github/app-server.ts'
import { startAzureDevops } from '../shared/orchestrators/azure-devops/server.ts'
import { SIGNING_KEY, startReceiver } from '../shared/orchestrators/callback/receiver.ts'
import { type Answer, awsCredentials, Service, triggered } from './service.ts'

// The fake of AWS accepts only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

const github = await startGithubApp()
const receiver = await startReceiver()
const azure = await startAzureDevops()
const dynatrace = await startEnvironment()
const states = await startStepFunctions()
const prefix = 'cloud-automation-webhooks'
const caller = (orchestrator?: string) => ({
  tokens: [tokenHash(`token-of-${orchestrator}`)],
  categories: ['*'],
  ...(orchestrator === undefined ? {} : { orchestrator }),
})
const settings = {
  github: {
    type: 'github',
    ...github.settings,
    input: "{title: join(' ', ['Release', repository.name, environment])}",
  },
  callback: { type: 'callback', allow: [`${receiver.url}/wait/`], signingKey: SIGNING_KEY },
  azure: { type: 'azure-devops', collections: [azure.collection] },
  resume: { ...dynatrace.settings, answer: ['event', 'resume'] },
  run: { ...dynatrace.settings, answer: ['event', 'run'] },
  states: { type: 'step-functions', region: 'eu-west-1', endpoint: states.url },
}
const secrets = {
  [`${prefix}/callers`]: {
    demo: { ...caller('sandbox'), tokens: [tokenHash(demo.callerToken)] },
    poll: caller(),
    ...Object.fromEntries(Object.keys(settings).map((name) => [name, caller(name)])),
    github: { categories: ['issue-ticketing'], allow: ['issue-ticketing/open-issue'], orchestrator: 'github' },
  },
  ...Object.fromEntries(Object.entries(settings).map(([name, secret]) => [`${prefix}/orchestrators/${name}`, secret])),
}
// Each held request occupies an environment of its task function.
const service = await new Service({ timeScale: 60, concurrency: 5, secrets }).start()
afterAll(async () => {
  await service.end()
  for (const server of [github, receiver, azure, dynatrace, states]) await server.close()
})

/** A run of an orchestrator that waits for the result of its call. */
interface Waiting {
  /** Sends the call. Each time, the call is the same. */
  send(): Promise<Answer>
  /** Lets the orchestrator accept the result without a response. Undefined if it polls. */
  hold?(): unknown
  /** The requests that contain the result. */
  requests(): Promise<unknown[]> | unknown[]
  /** The recorded result. Falsy until there is one. */
  recorded(): Promise<unknown> | unknown
}

const OPEN_ISSUE = '/v1/issue-ticketing/open-issue?mode=interactive'
const OPEN_TICKET = '/v1/incident-management/open-ticket?mode=interactive'
const statusOf = ({ body }: Answer, name: string) =>
  service.call(new URL(body.statusUrl).pathname, undefined, { method: 'GET', token: `token-of-${name}` })

/** The title of the ticket that a call opens contains the name of its orchestrator and of the scenario. */
const orchestrators: Record<string, (title: string) => Waiting> = {
  keptn(title) {
    const event = triggered({ input: { title } })
    const isFinished = { method: 'POST', body: '.finished' }
    return {
      send: () => service.call(`${OPEN_ISSUE}&sendStarted=true`, event),
      hold: () => service.fault({ target: 'keptn', kind: 'hang', after: true, count: 1, match: isFinished }),
      requests: async () => (await service.requests('keptn')).filter(({ status }) => status === null),
      async recorded() {
        const { started, finished } = await service.repliesTo(event.id)
        return finished.length > 0 && [started, ...finished.map(({ result }) => result)]
      },
    }
  },
  poll(title) {
    let first: Answer | undefined
    const call = { id: title, input: { title } }
    return {
      async send() {
        const response = await service.call(OPEN_TICKET, call, { token: 'token-of-undefined' })
        first ??= response
        return response
      },
      requests: () => [],
      recorded: async () => first && (await statusOf(first, 'undefined')).body.outcome?.result,
    }
  },
  github(title) {
    const { payload, environment } = github.startRun(title)
    const decisions = () =>
      github.calls.filter(({ body, text }) => Object(body).state !== undefined && text.includes(title))
    let deliveries = 0
    return {
      send() {
        const { headers, body } = github.signed('deployment_protection_rule', payload, `${title}-${++deliveries}`)
        const path = '/v1/issue-ticketing/open-issue?orchestrator=github&sendStarted=true'
        return service.call(path, body, { token: null, headers })
      },
      hold: () => github.holdNext(({ body }) => Object(body).state !== undefined),
      requests: decisions,
      recorded: () => environment.decision !== null && [environment.decision, decisions().length],
    }
  },
  callback(title) {
    const call = { id: title, callback: { url: `${receiver.url}/wait/${SECRET_PART}` }, input: { title } }
    const isMine = ({ text }: Call) => text.includes(title)
    const accepted = () => receiver.accepted.map(({ body }) => Object(body['data'])).filter(({ id }) => id === title)
    return {
      send: () => service.call(OPEN_ISSUE, call, { token: 'token-of-callback' }),
      hold: () => receiver.holdNext(isMine),
      requests: () => receiver.calls.filter(isMine),
      recorded: () => accepted().length > 0 && accepted().map(({ verdict }) => verdict),
    }
  },
  azure(title) {
    azure.reset()
    const isCompletion = ({ path }: Call) => path.endsWith('/events')
    return {
      send: () =>
        service.call(OPEN_TICKET, { input: { title } }, { token: 'token-of-azure', headers: azure.headers() }),
      hold: () => azure.holdNext(isCompletion),
      requests: () => azure.calls.filter(isCompletion),
      recorded: () => azure.task.result && [azure.task.result, azure.completions],
    }
  },
  resume(title) {
    const { id: execution } = dynatrace.automation.start(demo.workflows.release)
    const isResume = ({ path }: Call) => path.endsWith(`/${execution}/resume`)
    dynatrace.automation.set(execution, 'PAUSED')
    return {
      send: () => callOfWorkflow('resume', execution, title),
      hold: () => dynatrace.holdNext(isResume),
      requests: () => dynatrace.calls.filter(isResume),
      recorded() {
        const isResumed = dynatrace.automation.get(execution)?.state !== 'PAUSED'
        // A resumed workflow ends. Until then, a task that was killed before it recorded the response tries again,
        // and is refused.
        if (isResumed) dynatrace.automation.set(execution, 'SUCCESS')
        return isResumed
      },
    }
  },
  run(title) {
    const { id: execution } = dynatrace.automation.start(demo.workflows.release)
    const isRun = ({ path }: Call) => path.endsWith('/run')
    const runs = () => dynatrace.automation.executions().filter(({ input }) => input['execution'] === execution)
    return {
      send: () => callOfWorkflow('run', execution, title),
      hold: () => dynatrace.holdNext(isRun),
      requests: () => dynatrace.calls.filter((call) => isRun(call) && call.text.includes(execution)),
      recorded: () => runs().length > 0 && runs().map(({ input }) => input['verdict']),
    }
  },
  states(title) {
    const taskToken = `${SECRET_PART}${randomUUID()}=`
    const task = { hasEnded: false, heartbeats: 0 }
    states.state.tasks[taskToken] = task
    const isEnd = ({ text }: Call) => text.includes(taskToken) && text.includes('"output"')
    return {
      async send() {
        const payload = { action: 'open-ticket', caller: 'states', taskToken, input: { title } }
        const { Payload = new Uint8Array() } = await service
          .lambdaClient()
          .send(new InvokeCommand({ FunctionName: 'incident-management-webhook', Payload: JSON.stringify(payload) }))
        return { status: 202, headers: new Headers(), body: JSON.parse(new TextDecoder().decode(Payload)) }
      },
      hold: () => states.holdNext(isEnd),
      requests: () => states.calls.filter(isEnd),
      recorded: () => task.hasEnded && 'ended',
    }
  },
}
const SECRET_PART = 'f3b1c0ffee5ec2e7a9d8'
const callOfWorkflow = (name: string, execution: string, title: string) =>
  service.call(OPEN_TICKET, { id: title, dynatrace: { execution }, input: { title } }, { token: `token-of-${name}` })

const results: Record<string, unknown> = {
  keptn: [1, 'pass'],
  poll: 'pass',
  github: ['approved', 1],
  callback: ['pass'],
  azure: ['succeeded', 1],
  resume: true,
  run: ['pass'],
  states: 'ended',
}
const names = Object.keys(orchestrators)

async function ticketsOf(title: string) {
  const incidents = await service.list('incidents')
  const titles = [
    ...(await service.issues()).map((issue) => issue.title),
    ...incidents.map(({ short_description }: { short_description: string }) => short_description),
  ]
  return titles.filter((text: string) => text.includes(title))
}

/** A run whose issue GitHub opens without a response. */
async function startOpening(): Promise<Waiting> {
  const match = { method: 'POST', body: 'opening' }
  await service.fault({ target: 'github', kind: 'hang', after: true, count: 1, match })
  const run = orchestrators['keptn']?.('opening') as Waiting
  await run.send()
  await service.until(async () => (await ticketsOf('opening')).length > 0, 'the issue')
  return run
}

/** A task that was canceled while its job hangs. */
async function startAndCancel(): Promise<Answer> {
  const options = { token: 'token-of-undefined' }
  const hanging = { id: 'canceled', input: { target: 'clear-cache', parameters: { outcome: 'hang' } } }
  const accepted = await service.call('/v1/remediation/run-runbook?mode=interactive', hanging, options)
  const path = `${new URL(accepted.body.statusUrl).pathname}/cancel`
  expect(await service.call(path, undefined, options)).toMatchObject({ status: 202 })
  return accepted
}

let opening: Waiting
let canceled: Answer

describe.each([
  ['before the orchestrator responds to the result', 'held'],
  ['right after the 202 response', 'accepted'],
])('A runtime that is killed %s', (_when, scenario) => {
  let runs: Record<string, Waiting>
  const first: Record<string, Answer> = {}
  const duplicates: Record<string, Answer> = {}
  beforeAll(async () => {
    runs = Object.fromEntries(
      Object.entries(orchestrators).map(([name, start]) => [name, start(`${scenario} ${name}`)]),
    )
    if (scenario === 'accepted') canceled = await startAndCancel()
    else for (const { hold } of Object.values(runs)) await hold?.()
    for (const [name, run] of Object.entries(runs)) first[name] = await run.send()
    if (scenario === 'held') {
      opening = await startOpening()
      for (const [name, { hold, requests }] of Object.entries(runs))
        if (hold) await service.until(async () => (await requests()).length > 0, `the result of ${name}`)
    }
    await service.kill()
    await service.start()
    for (const [name, run] of Object.entries(runs)) duplicates[name] = await run.send()
    for (const [name, run] of Object.entries(runs))
      await service.until(() => run.recorded(), `the recorded result of ${name}`)
    await service.ended()
  })

  it.each(names)('completes the task of %s, which gets one result and one ticket', async (name) => {
    const run = runs[name] as Waiting
    expect(first[name]).toMatchObject({ status: 202, body: { duplicate: expect.any(Boolean) } })
    // A webhook that has no time to find out says that the call is new.
    expect(duplicates[name]?.body).toEqual({ ...first[name]?.body, duplicate: expect.any(Boolean) })
    expect(await run.recorded()).toEqual(results[name])
    expect(await ticketsOf(`${scenario} ${name}`)).toHaveLength(1)
    // A repeated result is the same message.
    const [message, ...others] = (await run.requests()).map((request) => Object(request).body)
    for (const body of others) expect(body).toEqual(message)
  })
})

it('A runtime that is killed while the platform opens the issue opens no second one', async () => {
  await service.until(() => opening.recorded(), 'the result')
  expect([await opening.recorded(), await ticketsOf('opening')]).toEqual([[1, 'pass'], ['opening']])
})

it('A runtime that is killed right after a task was canceled ends it as aborted', async () => {
  await service.ended()
  expect((await statusOf(canceled, 'undefined')).body).toMatchObject({ verdict: 'aborted' })
})

it('No credential and no address of a result is in the log or the list of tasks', async () => {
  const secrets = [demo.dynatracePlatformToken, demo.dynatraceToken, SECRET_PART, azure.task.token, 'token-of-']
  const { webhookSecret, privateKey } = github.settings
  secrets.push(webhookSecret, ...privateKey.split('\n').slice(1, 3), ...github.state.tokens.keys())
  const shown = `${service.output}${JSON.stringify(await service.tasks())}`
  expect(shown.length).toBeGreaterThan(10_000)
  expect(secrets.filter((secret) => shown.includes(secret))).toEqual([])
})
