import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { tokenHash } from '../../infra/local/credentials.ts'
import { expand } from '../../infra/platforms/azure-devops.ts'
import { parseDql } from '../../infra/platforms/dynatrace/dql.ts'
import { type EnvironmentServer, startEnvironment } from '../../infra/platforms/dynatrace/environment-server.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { basicAuth } from '../../shared/http/basic-auth.ts'
import { HEADERS } from '../../shared/orchestrators/azure-devops/server-task.ts'
import { type AzureServer, startAzureDevops } from '../shared/orchestrators/azure-devops/server.ts'
import { Service } from './service.ts'
import { readTemplate, renderWith, runTemplate } from './workflow-runner.ts'

/** The ways to answer a workflow of Dynatrace, by caller. */
const ANSWERS = { resume: ['event', 'resume'], run: ['event', 'run'], event: ['event'] }
type DynatraceCaller = keyof typeof ANSWERS
const tokenOf = (caller: string) => `token-for-${caller}`

let azure: AzureServer
let dynatrace: EnvironmentServer
let service: Service
beforeAll(async () => {
  azure = await startAzureDevops()
  dynatrace = await startEnvironment()
  const orchestrators: Record<string, object> = {
    azure: { type: 'azure-devops', collections: [azure.collection] },
    ...Object.fromEntries(Object.entries(ANSWERS).map(([name, answer]) => [name, { ...dynatrace.settings, answer }])),
  }
  const prefix = 'cloud-automation-webhooks'
  const callers = Object.keys(orchestrators).map((name) => {
    return [name, { tokens: [tokenHash(tokenOf(name))], categories: ['*'], orchestrator: name }]
  })
  const secrets = Object.entries(orchestrators).map(([name, secret]) => [`${prefix}/orchestrators/${name}`, secret])
  service = await new Service({
    timeScale: 20,
    secrets: { [`${prefix}/callers`]: Object.fromEntries(callers), ...Object.fromEntries(secrets) },
  }).start()
})
afterAll(async () => {
  await service.end()
  await azure.close()
  await dynatrace.close()
})

const waitFor = async <T>(find: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> => {
  let found: T | undefined
  await service.until(async () => {
    found = await find()
    return found !== undefined
  }, `${what}`)
  return found as T
}

describe('docs/azure-devops.md', () => {
  /** A call as the page describes it. */
  interface DocumentedCall {
    method: string
    urlSuffix: string
    headers: string
    body: string
    waitForCompletion: string
  }

  const page = readFileSync(join(import.meta.dirname, '../../docs/azure-devops.md'), 'utf8')
  const variables = { 'Build.BuildNumber': '20261127.1', 'System.TeamProject': 'release-demo' }
  /** As a Generic service connection sends it. */
  const authorization = basicAuth('azure', tokenOf('azure'))

  /** The YAML of an agentless job. */
  function documentedTask(): DocumentedCall {
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
    const { stages } = parse(yaml)
    const [job] = stages[0].jobs
    expect(job).toMatchObject({ pool: 'server', steps: [{ task: 'InvokeRESTAPI@1' }] })
    return job.steps[0].inputs
  }

  /** The fields of a check. */
  function documentedCheck(): DocumentedCall {
    const [, section = ''] = page.split('## A check on an environment')
    const rows = section.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)
    const fields = new Map([...rows].map(([, name, value]) => [name, value]))
    const [headers = '', body = ''] = [...section.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = '']) => json)
    expect(fields.get('Control options > Time between evaluations (minutes)')).toBe('0')
    return {
      ...{ headers, body, method: fields.get('Method') ?? '' },
      urlSuffix: fields.get('URL suffix and parameters')?.replaceAll('`', '') ?? '',
      waitForCompletion: String(fields.get('Advanced > Completion event') === 'Callback'),
    }
  }

  it.each([
    ['task of an agentless job', documentedTask, 'build'],
    ['check', documentedCheck, 'checks'],
    ['gate of a classic release', documentedCheck, 'gates'],
  ])('describes a %s that gets one result, with its access token in no log and no status', async (_, read, hub) => {
    azure.reset({ hub, planVersion: 12 })
    const { waitForCompletion, method, urlSuffix, headers, body } = read()
    expect([waitForCompletion, Object.keys(JSON.parse(headers))]).toEqual([
      'true',
      ['Content-Type', ...Object.keys(HEADERS)],
    ])
    // The URL of the service connection ends with /v1.
    const replaced = (text: string) => expand(text, azure.task, azure.url, variables)
    const accepted = await service.call(`/v1${replaced(urlSuffix)}`, replaced(body), {
      ...{ method, token: null, headers: { ...JSON.parse(replaced(headers)), authorization } },
    })
    expect(accepted.status).toBe(202)
    const read202 = { method: 'GET', token: null, headers: { authorization } }
    const status = await waitFor(async () => {
      const { body } = await service.call(new URL(accepted.body.statusUrl).pathname, undefined, read202)
      return body.state === 'finished' ? body : undefined
    }, 'the end of the task')
    expect([azure.task.result, azure.completions]).toEqual(['succeeded', 1])
    expect(azure.task.logs.at(-1)).toContain(accepted.body.statusUrl)
    expect(`${service.output}${JSON.stringify(status)}`).not.toContain(azure.task.token)
  })
})

describe('docs/dynatrace', () => {
  beforeEach(() => dynatrace.empty())

  /** The oldest execution of the workflow that gets results by run. */
  const continuation = () =>
    dynatrace.automation.executions().find(({ workflow }) => workflow === demo.workflows.continuation)
  const templateOf = (name: string) => readTemplate(`docs/dynatrace/${name}.yaml`)
  const run = (
    name: string,
    caller: DynatraceCaller,
    { execution = dynatrace.automation.start(demo.workflows.release).id, event = {} } = {},
  ) => {
    const token = tokenOf(caller)
    return runTemplate(templateOf(name), { environment: dynatrace, url: service.url, token, execution, event })
  }

  it('resume.yaml calls, pauses with the client of the vendor, and continues with the verdict', async () => {
    const { execution, results, error } = await run('resume', 'resume')
    expect(error).toBeUndefined()
    expect(results).toMatchObject({
      load_test: { status: 202 },
      read_result: { json: { verdict: 'pass', category: 'load-testing' } },
      passed: { released: true },
    })
    expect(dynatrace.automation.get(execution)?.state).toBe('SUCCESS')
  })

  it('run.yaml gets the result as its input after call.yaml', async () => {
    await run('call', 'run')
    const { id: execution } = await waitFor(continuation, 'the continuation')
    const { results } = await run('run', 'run', { execution })
    expect(results).toMatchObject({ read_result: { task: 'load_test', verdict: 'pass' }, passed: { released: true } })
    const statuses = dynatrace.grail.events().map((event) => event['event.status'])
    expect(statuses).toEqual(['started', 'finished'])
  })

  it('event.yaml is started once by the event after call.yaml', async () => {
    await run('call', 'event')
    const { filterQuery, uniqueExpression } = templateOf('event').workflow.trigger.eventTrigger ?? {}
    const query = parseDql(`fetch events | filter ${filterQuery}`)
    if (typeof query === 'string') throw new Error(query)
    const event = await waitFor(() => query.run(dynatrace.grail.events())[0], 'the event')
    const known = { execution: '', event, results: {}, token: '' }
    expect(renderWith(uniqueExpression ?? '', known)).toBe(`${event['task.id']}-finished`)
    const { results } = await run('event', 'event', { event })
    expect(results).toEqual({ passed: { released: true } })
  })

  it('has calls whose credentials are in no log', () => {
    const secrets = [...Object.keys(ANSWERS).map(tokenOf), demo.dynatracePlatformToken, demo.dynatraceToken]
    expect(secrets.filter((secret) => service.output.includes(secret))).toEqual([])
  })
})
