import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import type { ActionView } from '../../../../infra/local/console/action-views.ts'
import type { CodeView } from '../../../../infra/local/console/as-code/index.ts'
import { findAction } from '../../../../infra/project/find-by-name.ts'
import { tokenHash } from '../../../../infra/project/token-hash.ts'
import { PLACEHOLDER_URL } from '../../../../infra/sandbox/keptn/config/payload.ts'
import { preview } from '../../../../infra/sandbox/keptn/preview.ts'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { nest } from '../../../../shared/dotted-keys.ts'
import { awsCredentials, Service } from '../../../e2e/service.ts'
import { runStateMachine } from '../../../examples/state-machine.ts'
import {
  type StepFunctionsServer,
  startStepFunctions,
} from '../../../functions/optimization/aws-step-functions/fake.ts'

// The fake accepts only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

const run = promisify(execFile)
const prefix = 'cloud-automation-webhooks'
const composite = join(import.meta.dirname, '../../../../.github/actions/webhook')
let states: StepFunctionsServer
let service: Service
beforeAll(async () => {
  states = await startStepFunctions()
  service = await new Service({
    timeScale: 20,
    concurrency: 1,
    secrets: {
      [`${prefix}/callers`]: {
        demo: { tokens: [tokenHash(demo.callerToken)], categories: ['*'] },
        releases: { categories: ['*'], orchestrator: 'states' },
      },
      [`${prefix}/orchestrators/states`]: { type: 'step-functions', region: 'eu-west-1', endpoint: states.url },
    },
  }).start()
})
afterAll(async () => {
  await service.end()
  await states.close()
})

interface Call {
  target: string
  query: string
  body: Record<string, unknown>
}

async function post<T>(path: string, body: object): Promise<T> {
  const response = await fetch(`${service.url}/console/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  return (await response.json()) as T
}

/** Returns the texts by the names of their engines, or the reasons why there is none. */
async function codeOf({ target, query, body }: Call): Promise<Record<string, string>> {
  const views = await post<CodeView[]>(`actions/${target}/code`, { query, body })
  return Object.fromEntries(views.map((view) => [view.engine, 'text' in view ? view.text : view.refusal]))
}

/** Contains the characters that shells, Go, YAML, JSON and GitHub treat specially. */
const HARD_TEXT = `It's "slow" & <down>; a | b > $HOME \`d\` \\ 100 % \${{ github.token }} {{.id}}\n@Über 🎉 $(id)`
const LABEL = `it's, $HOME 50 %`
const event = {
  id: 'an-id',
  type: 'sh.keptn.event.openissue.triggered',
  shkeptncontext: 'a-context',
  data: { project: 'shop', stage: 'production', service: 'checkout' },
}
/** A dry run returns the request to the platform, which has each value of the input. */
const dryRun: Call = {
  target: 'issue-ticketing/open-issue',
  query: 'mode=silent&dryRun=true&connection=default',
  body: { ...event, input: { title: HARD_TEXT, description: HARD_TEXT, labels: ['a b', LABEL] } },
}
const realRun = (): Call => ({
  target: dryRun.target,
  query: 'mode=interactive&deadline=PT2H&connection=default&key=a-key',
  body: { id: randomUUID(), data: event.data, input: dryRun.body['input'] },
})
const env = { ...process.env, WEBHOOKS_TOKEN: demo.callerToken }

/** Returns what a call returns if the page sends it. */
async function sentByPage({ target, query, body }: Call): Promise<object> {
  return JSON.parse((await post<{ body: string }>(`actions/${target}`, { query, body })).body)
}

/** Returns the curl command that webhook-service makes of a webhook.yaml. */
function playedByKeptn(webhookYaml: string, type = event.type): string[] {
  const played = preview(webhookYaml, { ...event, type }, { secret_webhooks_token: demo.callerToken })
  const [result] = 'results' in played ? played.results : []
  if (!result || !('argv' in result)) throw new Error(JSON.stringify(played))
  return result.argv
}

async function sentByKeptn(webhookYaml: string): Promise<object> {
  const [program = '', ...options] = playedByKeptn(webhookYaml)
  const here = options.map((part) => part.replace(PLACEHOLDER_URL, service.url))
  return JSON.parse((await run(program, here)).stdout)
}

/** Runs the script of the composite action with the inputs of a step. */
async function runStep(steps: string): Promise<void> {
  const [step] = parse(steps)
  expect(step.uses).toMatch(/\/\.github\/actions\/webhook@main$/)
  const { inputs, runs } = parse(readFileSync(join(composite, 'action.yml'), 'utf8'))
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(step.with)))
  const given = { ...step.with, url: service.url, token: demo.callerToken, key: randomUUID() }
  // GitHub evaluates an expression wherever it is.
  for (const name of ['action', 'query', 'input']) expect(given[name]).not.toContain('${{')
  const variables = Object.entries(runs.steps[0].env as Record<string, string>).map(([name, value]) => [
    name,
    value.replace(/\$\{\{ inputs\.(\w+) \}\}/, (_, input) => given[input] ?? inputs[input].default),
  ])
  const environment = { ...process.env, ...Object.fromEntries(variables), GITHUB_ACTION_PATH: composite }
  await run('bash', ['-c', runs.steps[0].run], { env: environment })
}

/** Runs a state machine, and returns the result of its state. */
async function sentByState(definition: string): Promise<object> {
  const lambda = service.lambdaClient()
  const token = `AQCEAAAAKgAAAAM${randomUUID()}=`
  const task: (typeof states.state.tasks)[string] = { hasEnded: false, heartbeats: 0 }
  states.state.tasks[token] = task
  let outcome = {}
  const machine = JSON.parse(definition)
  machine.States[machine.StartAt].ResultPath = '$.result'
  const entered = await runStateMachine(
    machine,
    {},
    {
      execution: randomUUID(),
      async invoke(name, payload) {
        const category = /^<name of the webhook function of (.+)>:live$/.exec(name)?.[1]
        const command = { FunctionName: `${category}-webhook`, Payload: JSON.stringify(payload) }
        const { FunctionError, Payload } = await lambda.send(new InvokeCommand(command))
        outcome = JSON.parse(new TextDecoder().decode(Payload))
        expect([FunctionError, outcome]).toEqual([undefined, outcome])
        return outcome
      },
      createToken: () => ({
        token,
        async result() {
          await service.until(() => task.hasEnded, 'the result of the state')
          outcome = JSON.parse(String(task.result?.['output']))
          return outcome
        },
      }),
    },
  )
  expect(entered).toHaveLength(1)
  return outcome
}

/** Expects that an accepted call and another one have opened the same issue. */
async function expectTwins(accepted: object): Promise<void> {
  expect(accepted).toMatchObject({ duplicate: false })
  await service.ended()
  const [one, other] = (await service.issues())
    .toSorted((a, b) => b.number - a.number)
    .map(({ title, labels, body }) => ({ title, labels, body: body.replace(/<!--.*-->/, '') }))
  expect(one).toMatchObject({ labels: ['a b', LABEL], body: expect.stringContaining('@Über') })
  expect(one).toEqual(other)
}

describe('A call as code makes the same call:', () => {
  it('curl, in a shell', async () => {
    const { curl = '' } = await codeOf(dryRun)
    const { stdout } = await run('sh', ['-c', curl], { env })
    expect(JSON.parse(stdout)).toEqual(await sentByPage(dryRun))
  })

  it('Keptn, in the simulated webhook-service', async () => {
    const { Keptn = '' } = await codeOf(dryRun)
    expect(await sentByKeptn(Keptn)).toEqual(await sentByPage(dryRun))
  })

  it('GitHub, in the composite action', async () => {
    const { GitHub = '' } = await codeOf(realRun())
    const sent = await sentByPage(realRun())
    await runStep(GitHub)
    await expectTwins(sent)
  })

  it('Step Functions, in a state that invokes, and in one that waits for its task token', async () => {
    const expected = await sentByPage(dryRun)
    const silent = (await codeOf(dryRun))['Step Functions'] ?? ''
    expect(await sentByState(silent)).toEqual(expected)
    const interactive = (await codeOf(realRun()))['Step Functions'] ?? ''
    // The task ends an hour before the state does.
    expect(JSON.parse(interactive).States['open-issue']).toMatchObject({ TimeoutSeconds: 10_800 })
    const sent = await sentByPage(realRun())
    expect(await sentByState(interactive)).toMatchObject({ verdict: 'pass' })
    await expectTwins(sent)
  })
})

describe('A call as code', () => {
  it('has a variable, a secret or a permission in place of the token, for every example', async () => {
    const actions = (await (await fetch(`${service.url}/console/actions`)).json()) as ActionView[]
    const calls = actions.flatMap(({ category, action, examples }) =>
      examples.map(({ query, body }) => ({ target: `${category}/${action}`, query, body: { ...event, ...body } })),
    )
    expect(calls.length).toBeGreaterThan(30)
    for (const call of calls) {
      const { curl, Keptn = '', GitHub = '', ['Step Functions']: state } = await codeOf(call)
      expect(curl).toContain('"authorization: Bearer $WEBHOOKS_TOKEN"')
      expect(Keptn).toContain('Bearer {{.env.secret_webhooks_token}}')
      if (call.query.includes('dryRun')) expect(GitHub).toContain('Remove dryRun.')
      else expect([GitHub.includes('id-token: write'), parse(GitHub)[0].with.token]).toEqual([true, undefined])
      expect(state).not.toMatch(/authorization|Bearer/i)
      expect(playedByKeptn(Keptn, call.body.type)).toContain('--data')
    }
  })

  it('for Keptn says which fields the receiver would read differently, and sends lists of objects', async () => {
    const thresholds = [{ metric: 'p95', op: '<', value: 500 }]
    const body = { ...event, input: { parameters: { rate: 20 }, thresholds } }
    const [, keptn] = await post<CodeView[]>('actions/load-testing/start-test/code', { query: 'mode=silent', body })
    expect(keptn).toMatchObject({ note: expect.stringContaining('changes parameters.') })
    const { Keptn = '' } = await codeOf({ target: 'load-testing/start-test', query: 'mode=silent', body })
    const argv = playedByKeptn(Keptn)
    const { input } = nest(new URLSearchParams(argv[argv.indexOf('--data') + 1]))
    expect(findAction('load-testing/start-test').action?.input.parse(input)).toMatchObject({
      parameters: { rate: '20' },
      thresholds,
    })
  })

  it('takes what the event of Keptn has from the event', async () => {
    const body = { ...event, data: { ...event.data, incident: { ProblemTitle: 'Slow' }, other: 1 } }
    const { Keptn = '' } = await codeOf({ target: 'issue-ticketing/open-issue', query: '', body })
    expect(Keptn).toContain('data.problem')
    expect(Keptn).not.toContain('Slow')
  })

  it.each([
    ['issue-ticketing/open-issue', 'mode=gate&key=a', {}, 'Keptn', /gate.* Select the mode interactive/],
    ['issue-ticketing/open-issue', 'mode=gate&key=a', {}, 'Step Functions', /gate.* Select the mode interactive/],
    ['notification/ask-approval', 'mode=interactive', {}, 'Step Functions', /Call it over HTTP/],
    ['issue-ticketing/open-issue', 'deadline=soon&mode=interactive', {}, 'Step Functions', /ISO 8601/],
    ['issue-ticketing/open-issue', '', { input: { fields: { 'a.$': 1 } } }, 'Step Functions', /a\.\$ for a path/],
    [
      'issue-ticketing/open-issue',
      'mode=interactive',
      { type: 'sh.keptn.event.a.finished' },
      'Keptn',
      /finished event/,
    ],
    ['issue-ticketing/open', '', {}, 'GitHub', /Did you mean/],
  ])('of %s?%s with %j says why %s has none', async (target, query, body, engine, reason) => {
    expect((await codeOf({ target, query, body }))[engine]).toMatch(reason)
  })
})
