import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { tokenHash } from '../../infra/local/credentials.ts'
import { parseDql } from '../../infra/sandbox/platforms/dynatrace/dql.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { awsCredentials, Service } from '../e2e/service.ts'
import { readTemplate, renderWith, runTemplate } from '../e2e/workflow-runner.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { startStepFunctions } from '../platforms/aws-step-functions.ts'
import { startEnvironment } from '../platforms/dynatrace/environment-server.ts'
import { startGithubApp } from '../platforms/github/app-server.ts'
import { startGrafanaK6 } from '../platforms/grafana-k6.ts'
import { type Argument, analyze, type Metric } from './analysis.ts'
import { type Definition, runStateMachine, StateError } from './state-machine.ts'

const folder = join(import.meta.dirname, '../../examples')
const read = (path: string) => readFileSync(join(folder, path), 'utf8')
const HOST = 'https://webhooks.example.com'
const prefix = 'cloud-automation-webhooks'
// The fakes of AWS accept only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

/** Returns the arguments of the commands of the CLI in a script or a README. */
function commandsOf(path: string): string[][] {
  const lines = read(path).replaceAll('\\\n', ' ').split('\n')
  const commands = lines.flatMap((line) => /npx webhooks ([^)`|]+)/.exec(line)?.[1] ?? [])
  return commands.map((line) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain))
}

const optionOf = (command: readonly string[], name: string) =>
  command.includes(name) ? command[command.indexOf(name) + 1] : undefined

/** The name of a caller is not a credential, so it cannot be its token. */
const tokenOf = (caller: string) => `token-of-${caller}`

/** Returns the callers that a README creates. */
function callersOf(example: string): [string, object][] {
  const commands = commandsOf(`${example}/README.md`).filter(([group, verb]) => `${group} ${verb}` === 'token create')
  return commands.map((command) => {
    const [, , name = ''] = command
    const categories = optionOf(command, '--categories')?.split(',') ?? ['*']
    const orchestrator = optionOf(command, '--orchestrator')
    return [name, { tokens: [tokenHash(tokenOf(name))], categories, ...(orchestrator ? { orchestrator } : {}) }]
  })
}

const [connect = [], manifest = []] = commandsOf('github-gate-k6/setup.sh')

const fakes = [startGithubApp(), startGrafanaK6(), startStepFunctions(), startEnvironment()] as const
const [github, k6, states, environment] = await Promise.all(fakes)
const service = await new Service({ timeScale: 20, secrets: secretsOfExamples }).start()
const lambda = service.lambdaClient()
afterAll(async () => {
  await service.end()
  await Promise.all([github, k6, states, environment].map((fake) => fake.close()))
})

function secretsOfExamples(): Record<string, object> {
  const { url: baseUrl, token, stackId } = k6
  const [gate = '', action = ''] = [manifest[2], optionOf(manifest, '--action')]
  const examples = ['argo-rollouts', 'step-functions-remediation', 'dynatrace-problem']
  return {
    [`${prefix}/callers`]: {
      ...Object.fromEntries(examples.flatMap(callersOf)),
      [gate]: { tokens: [], categories: [action.split('/')[0]], allow: [action], orchestrator: gate },
    },
    [`${prefix}/orchestrators/step-functions`]: {
      type: 'step-functions',
      region: 'eu-west-1',
      endpoint: states.url,
    },
    [`${prefix}/orchestrators/${gate}`]: {
      type: 'github',
      ...github.settings,
      caller: gate,
      repositories: [optionOf(manifest, '--repositories')],
    },
    [`${prefix}/connections/${connect[1]}`]: {
      ...JSON.parse(read(`../${optionOf(connect, '--from-file')}`)),
      baseUrl,
      token,
      stackId,
    },
  }
}

describe('github-gate-k6', () => {
  /** Delivers a deployment to the webhook URL of the App, and returns GitHub's decision after the load test. */
  async function decide(result: 'passed' | 'failed') {
    const { out } = await webhooks([...manifest, '--print'])
    const { hook_attributes: hook, default_events: events } = JSON.parse(out)
    const { deploy } = parse(read('github-gate-k6/deploy.yml')).jobs
    const { payload, environment: deployment } = github.startRun(deploy.environment)
    const { headers, body } = github.signed(events[0], payload, randomUUID())
    const started = k6.state.runs.length
    const accepted = await service.call(hook.url.replace(HOST, ''), body, { token: null, headers })
    expect([accepted.status, accepted.body.detail]).toEqual([202, undefined])
    await service.until(() => k6.state.runs.length > started, 'the start of the load test')
    k6.enter('running')
    k6.enter('completed', { result })
    await service.until(() => deployment.decision !== null, 'the decision')
    return deployment.decision
  }

  it('approves a deployment if the load test passes', async () => expect(await decide('passed')).toBe('approved'))
  it('rejects a deployment if the load test fails', async () => expect(await decide('failed')).toBe('rejected'))

  it('has a load test that runs and has thresholds', () => {
    const script = read('github-gate-k6/load-test.js')
      .replace(/^import .*$/gm, '')
      .replace(/export (default|const options =)/g, (_all, what) =>
        what === 'default' ? 'exported.run =' : 'exported.options =',
      )
    const requests: string[] = []
    const http = { get: (url: string) => ({ status: 200, url: requests.push(url) }) }
    const exported: { run?: () => void; options?: { thresholds: object } } = {}
    new Function('exported', 'http', 'check', script)(
      exported,
      http,
      (value: object, checks: Record<string, (value: object) => boolean>) => {
        for (const holds of Object.values(checks)) expect(holds(value)).toBe(true)
      },
    )
    exported.run?.()
    expect(requests).toHaveLength(1)
    expect(Object.keys(exported.options?.thresholds ?? {})).toEqual(['http_req_failed', 'http_req_duration'])
  })
})

describe('argo-rollouts', () => {
  const template = parse(read('argo-rollouts/analysis-template.yaml'))
  const [metric] = template.spec.metrics as [Metric]

  /** Runs the analysis of the canary, with a short load test and the values that Argo Rollouts gives to its arguments. */
  async function analyzeCanary(change: object = {}) {
    const { web } = metric.provider
    const { input } = web.jsonBody
    const parameters = { ...input.parameters, duration: 'PT1S' }
    const steps: { analysis?: { templates: { templateName: string }[]; args: Argument[] } }[] = parse(
      read('argo-rollouts/rollout.yaml'),
    ).spec.strategy.canary.steps
    const { templates, args } = steps.find(({ analysis }) => analysis)?.analysis ?? { templates: [], args: [] }
    expect(templates).toEqual([{ templateName: template.metadata.name }])
    const [, secret, key] = /secret generic (\S+) --from-literal "(\w+)=/.exec(read('argo-rollouts/README.md')) ?? []
    const given = [...(template.spec.args as Argument[]), ...args].map(({ name, value, valueFrom }) => {
      const { podTemplateHashValue, secretKeyRef } = valueFrom ?? {}
      const token = secretKeyRef?.name === secret && secretKeyRef?.key === key ? tokenOf('argo-rollouts') : undefined
      return [name, podTemplateHashValue === 'Latest' ? randomUUID().slice(0, 8) : (value ?? token)]
    })
    const url = web.url.replace(HOST, service.url)
    const shortened = { ...web, url, jsonBody: { input: { ...input, parameters, ...change } } }
    return analyze({ ...metric, provider: { web: shortened } }, Object.fromEntries(given))
  }

  it('promotes the canary if the load test passes', async () => expect(await analyzeCanary()).toBe('Successful'))

  it('aborts the canary if the load test fails', async () => {
    const thresholds = [{ metric: 'errorRate', op: '<', value: 0 }]
    expect(await analyzeCanary({ thresholds })).toBe('Failed')
  })

  it('has the metric that docs/callers/argo-rollouts.md shows', () => {
    const [, shown = ''] =
      /```yaml\n(.*?)```/s.exec(readFileSync(join(folder, '../docs/callers/argo-rollouts.md'), 'utf8')) ?? []
    expect(parse(shown)).toEqual({ metrics: template.spec.metrics })
  })
})

describe('step-functions-remediation', () => {
  const { Resources } = parse(read('step-functions-remediation/template.yaml'))
  const { Definition: definition, DefinitionSubstitutions: substitutions } = Resources.StateMachine.Properties
  const alarm = {
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    detail: { alarmName: 'checkout-errors', state: { value: 'ALARM' }, previousState: { value: 'OK' } },
  }

  /** Returns the local name of a function, which the role of the state machine must be allowed to invoke. */
  function functionOf(name: string): string {
    const parameter = substitutions[/^\$\{(\w+)\}$/.exec(name)?.[1] ?? '']?.Ref
    const [{ PolicyDocument }] = Resources.StateMachineRole.Properties.Policies
    expect(PolicyDocument.Statement[0].Resource).toContainEqual({ Ref: parameter })
    return parameter.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
  }

  function run(machine: Definition, execution: string): Promise<string[]> {
    return runStateMachine(machine, alarm, {
      execution,
      async invoke(name, payload) {
        const command = { FunctionName: functionOf(name), Payload: JSON.stringify(payload) }
        const { FunctionError, Payload } = await lambda.send(new InvokeCommand(command))
        const result = JSON.parse(new TextDecoder().decode(Payload))
        if (FunctionError) throw new StateError(result.errorType, result.errorMessage)
        return result
      },
      createToken() {
        const token = `AQCEAAAAKgAAAAM${randomUUID()}=`
        const task: (typeof states.state.tasks)[string] = { hasEnded: false, heartbeats: 0 }
        states.state.tasks[token] = task
        return {
          token,
          async result() {
            await service.until(() => task.hasEnded, 'the result of a state')
            const { output, error, cause } = task.result ?? {}
            if (error !== undefined) throw new StateError(String(error), String(cause))
            return JSON.parse(String(output))
          },
        }
      },
    })
  }

  it('restarts the service, and finds that this helped', async () => {
    expect(await run(definition, randomUUID())).toEqual(['Restart', 'Evaluate', 'Solved'])
  })

  it('opens an issue if the runbook fails', async () => {
    const failing = structuredClone(definition)
    failing.States.Restart.Parameters.Payload.input.parameters = { outcome: 'failure' }
    expect(await run(failing, randomUUID())).toEqual(['Restart', 'OpenIssue', 'NotSolved'])
    const [issue] = (await service.issues()).filter(({ title }) => title === 'Alarm checkout-errors is not solved')
    expect(issue.body).toContain('Webhooks.Failed')
  })

  it('starts when the alarm goes off', () => {
    const matches = (pattern: object, event: object): boolean =>
      Object.entries(pattern).every(([name, expected]) => {
        const value = (event as Record<string, unknown>)[name]
        if (!Array.isArray(expected)) return matches(expected, value as object)
        return expected.some((one) => (one.Ref === 'AlarmName' ? 'checkout-errors' : one) === value)
      })
    const { EventPattern: pattern, Targets } = Resources.AlarmRule.Properties
    expect(matches(pattern, alarm)).toBe(true)
    expect(matches(pattern, { ...alarm, detail: { ...alarm.detail, state: { value: 'OK' } } })).toBe(false)
    expect(Targets).toMatchObject([{ Arn: { Ref: 'StateMachine' } }])
  })
})

describe('dynatrace-problem', () => {
  const template = readTemplate('examples/dynatrace-problem/workflow.yaml')
  const problem = {
    'event.kind': 'DAVIS_PROBLEM',
    'event.status': 'ACTIVE',
    'event.status_transition': 'CREATED',
    'event.category': 'SLOWDOWN',
    'event.id': `-${Date.now()}_1V2`,
    display_id: 'P-26117',
    'event.name': 'Response time degradation of "checkout"',
  }
  const run = () =>
    runTemplate(template, {
      environment,
      url: service.url,
      token: tokenOf('dynatrace'),
      event: problem,
      execution: environment.automation.start(demo.workflows.release).id,
    })

  it('opens one issue for a problem, turns the flag off, and comments on the issue', async () => {
    const [first, second] = [await run(), await run()]
    expect([first.error, second.error]).toEqual([undefined, undefined])
    const issues = (await service.issues()).filter(({ title }) => title === problem['event.name'])
    expect(issues).toMatchObject([
      { body: expect.stringContaining('P-26117'), comments: [{ body: expect.stringContaining('production is off') }] },
    ])
    const { body: flags } = await service.call('/sandbox/flags', undefined, { method: 'GET' })
    const flag = flags.find(({ name }: { name: string }) => name === 'slow-recommendations')
    expect(flag.environments).toContainEqual({ name: 'production', enabled: false, rollout: '100' })
  })

  it('starts once for a slowdown', () => {
    const { filterQuery = '', uniqueExpression = '' } = template.workflow.trigger.eventTrigger ?? {}
    const query = parseDql(`fetch events | filter ${filterQuery}`)
    if (typeof query === 'string') throw new Error(query)
    const closed = { ...problem, 'event.status': 'CLOSED', 'event.status_transition': 'CLOSED' }
    expect(query.run([closed, problem, { ...problem, 'event.category': 'ERROR' }])).toEqual([problem])
    expect(renderWith(uniqueExpression, { execution: '', event: problem, results: {}, token: '' })).toBe(
      problem['event.id'],
    )
  })
})
