import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { expand } from '../../infra/sandbox/platforms/azure-devops.ts'
import { parseDql } from '../../infra/sandbox/platforms/dynatrace/dql.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { basicAuth } from '../../shared/http/basic-auth.ts'
import { HEADERS } from '../../shared/orchestrators/azure-devops/server-task.ts'
import { type EnvironmentServer, startEnvironment } from '../platforms/dynatrace/environment-server.ts'
import { type AzureServer, startAzureDevops } from '../shared/orchestrators/azure-devops/server.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service } from './service.ts'
import { readTemplate, renderWith, runTemplate, type Template } from './workflow-runner.ts'

/** The ways to answer a workflow of Dynatrace, by caller. Each caller has an environment. */
const ANSWERS = { resume: ['event', 'resume'], run: ['event', 'run'], event: ['event'] }
const tokenOf = (caller: string) => `token-for-${caller}`

let azure: AzureServer
const environments: Record<string, EnvironmentServer> = {}
let service: Service
let played: Promise<Record<keyof typeof ANSWERS, Awaited<ReturnType<typeof play>>>>
beforeAll(async () => {
  azure = await startAzureDevops()
  const orchestrators: Record<string, object> = { azure: { type: 'azure-devops', collections: [azure.collection] } }
  for (const [name, answer] of Object.entries(ANSWERS)) {
    const environment = await startEnvironment()
    environments[name] = environment
    orchestrators[name] = { ...environment.settings, answer }
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
  // During the calls of Azure DevOps.
  played = waitForAll([play('resume'), play('run'), play('event')]).then(([resume, run, event]) => ({
    resume,
    run,
    event,
  }))
  // The tests report it.
  played.catch(() => undefined)
})
afterAll(async () => {
  await service.end()
  await waitForAll([azure, ...Object.values(environments)].map((server) => server.close()))
})

const waitFor = async <T>(find: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> => {
  let found: T | undefined
  await service.until(async () => {
    found = await find()
    return found !== undefined
  }, `${what}`)
  return found as T
}

/** Shortens the load test of a document. */
const shortened = (text: string) => text.replace('PT5S', 'PT1S')
const templateOf = (name: string): Template =>
  JSON.parse(shortened(JSON.stringify(readTemplate(`docs/dynatrace/${name}.yaml`))))

/** Runs a template, and the one that continues with the result of its call, if there is one. */
async function play(caller: keyof typeof ANSWERS) {
  const environment = environments[caller] as EnvironmentServer
  const { automation, grail } = environment
  const { id: execution } = automation.start(demo.workflows.release)
  const run = (name: string, more: { execution?: string; event?: Record<string, unknown> } = {}) =>
    runTemplate(templateOf(name), { environment, url: service.url, token: tokenOf(caller), execution, ...more })
  const played = await run(caller === 'resume' ? 'resume' : 'call')
  if (caller === 'resume') return { ...played, state: automation.get(execution)?.state }
  if (caller === 'run') {
    const isContinuation = ({ workflow }: { workflow: string }) => workflow === demo.workflows.continuation
    const continuation = await waitFor(() => automation.executions().find(isContinuation), 'the continuation')
    const continued = await run('run', { execution: continuation.id })
    return { ...continued, statuses: grail.events().map((event) => event['event.status']) }
  }
  const { filterQuery, uniqueExpression = '' } = templateOf('event').workflow.trigger.eventTrigger ?? {}
  const query = parseDql(`fetch events | filter ${filterQuery}`)
  if (typeof query === 'string') throw new Error(query)
  const event = await waitFor(() => query.run(grail.events())[0], 'the event')
  const known = { execution: '', event, results: {}, token: '' }
  expect(renderWith(uniqueExpression, known)).toBe(`${event['task.id']}-finished`)
  return run('event', { event })
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

  const page = shortened(readFileSync(join(import.meta.dirname, '../../docs/azure-devops.md'), 'utf8'))
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
      headers,
      body,
      method: fields.get('Method') ?? '',
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
      method,
      token: null,
      headers: { ...JSON.parse(replaced(headers)), authorization },
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
  it('resume.yaml calls, pauses with the client of the vendor, and continues with the verdict', async () => {
    const { resume } = await played
    const read_result = { json: { verdict: 'pass', category: 'load-testing' } }
    expect(resume).toMatchObject({
      state: 'SUCCESS',
      results: { load_test: { status: 202 }, read_result, passed: { released: true } },
    })
    expect(resume).not.toHaveProperty('error')
  })

  it('run.yaml gets the result as its input after call.yaml', async () => {
    const { run } = await played
    const results = { read_result: { task: 'load_test', verdict: 'pass' }, passed: { released: true } }
    expect(run).toMatchObject({ results, statuses: ['started', 'finished'] })
  })

  it('event.yaml is started once by the event after call.yaml', async () => {
    const { event } = await played
    expect(event.results).toEqual({ passed: { released: true } })
  })

  it('has calls whose credentials are in no log', () => {
    const secrets = [...Object.keys(ANSWERS).map(tokenOf), demo.dynatracePlatformToken, demo.dynatraceToken]
    expect(secrets.filter((secret) => service.output.includes(secret))).toEqual([])
  })
})
