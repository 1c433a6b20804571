import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { tokenHash } from '../../infra/local/credentials.ts'
import { expand } from '../../infra/platforms/azure-devops.ts'
import type { Call } from '../../infra/platforms/loopback-server.ts'
import { basicAuth } from '../../shared/http/basic-auth.ts'
import { HEADERS } from '../../shared/orchestrators/azure-devops/server-task.ts'
import { type AzureServer, startAzureDevops } from '../shared/orchestrators/azure-devops/server.ts'
import { Service, until } from './service.ts'

/** A call as the page describes it. */
interface DocumentedCall {
  method: string
  urlSuffix: string
  headers: string
  body: string
  waitForCompletion: string
}

const page = readFileSync(join(import.meta.dirname, '../../docs/azure-devops.md'), 'utf8')
const token = 'token-of-the-service-connection'
const variables = { 'Build.BuildNumber': '20261127.1', 'System.TeamProject': 'release-demo' }

let azure: AzureServer
let service: Service
beforeAll(async () => {
  azure = await startAzureDevops()
  const secrets = {
    'cloud-automation-webhooks/callers': {
      'azure-devops': { tokens: [tokenHash(token)], categories: ['*'], orchestrator: 'azure-devops' },
    },
    'cloud-automation-webhooks/orchestrators/azure-devops': { type: 'azure-devops', collections: [azure.collection] },
  }
  service = await new Service({ timeScale: 20, secrets }).start()
})
afterAll(async () => {
  await service.end()
  await azure.close()
})
beforeEach(() => azure.reset())

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
  const fields = new Map([...section.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)].map(([, name, value]) => [name, value]))
  const [headers = '', body = ''] = [...section.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = '']) => json)
  expect(fields.get('Control options > Time between evaluations (minutes)')).toBe('0')
  return {
    ...{ headers, body, method: fields.get('Method') ?? '' },
    urlSuffix: fields.get('URL suffix and parameters')?.replaceAll('`', '') ?? '',
    waitForCompletion: String(fields.get('Advanced > Completion event') === 'Callback'),
  }
}

/** As a Generic service connection sends it. */
const authorization = basicAuth('azure-devops', token)

/** Sends a call as Azure DevOps does. The URL of the service connection ends with /v1. */
function send({ method, urlSuffix, headers, body }: DocumentedCall) {
  const replaced = (text: string) => expand(text, azure.task, azure.url, variables)
  const sent = { ...JSON.parse(replaced(headers)), authorization }
  return service.call(`/v1${replaced(urlSuffix)}`, replaced(body), { method, token: null, headers: sent })
}

async function statusOf({ statusUrl }: { statusUrl: string }) {
  const options = { method: 'GET', token: null, headers: { authorization } }
  return (await service.call(new URL(statusUrl).pathname, undefined, options)).body
}

const isCompletion = ({ path }: Call) => path.endsWith('/events')
const waitFor = (condition: () => boolean | Promise<boolean>, what: string) =>
  until(
    async () => condition(),
    30,
    () => `${what}\n${service.output.slice(-4_000)}`,
  )

describe('Azure DevOps', () => {
  it.each([
    ['task of an agentless job', documentedTask, 'build'],
    ['check', documentedCheck, 'checks'],
    ['gate of a classic release', documentedCheck, 'gates'],
  ])(
    'gets one result for the documented %s, and its access token is in no log and no status',
    async (_name, read, hub) => {
      azure.reset({ hub, planVersion: 12 })
      const call = read()
      expect(call.waitForCompletion).toBe('true')
      expect(Object.keys(JSON.parse(call.headers))).toEqual(['Content-Type', ...Object.keys(HEADERS)])
      const { status, body } = await send(call)
      expect(status).toBe(202)
      await waitFor(async () => (await statusOf(body)).state === 'finished', 'the end of the task')
      expect([azure.task.result, azure.completions]).toEqual(['succeeded', 1])
      expect(azure.task.logs.at(-1)).toContain(body.statusUrl)
      expect(`${service.output}${JSON.stringify(await statusOf(body))}`).not.toContain(azure.task.token)
    },
  )

  it('gets the result once if the process is killed before the response, and repeated calls are the same task', async () => {
    azure.holdNext(isCompletion)
    const call = documentedCheck()
    const [first, second] = await Promise.all([send(call), send(call)])
    expect([first.status, second.body.taskId]).toEqual([202, first.body.taskId])
    await waitFor(() => azure.calls.some(isCompletion), 'the result')
    await service.kill()
    await service.start()
    await waitFor(() => azure.calls.filter(isCompletion).length > 1, 'the repeated result')
    expect((await send(call)).body).toMatchObject({ taskId: first.body.taskId, duplicate: true })
    expect([azure.completions, azure.task.result]).toEqual([1, 'succeeded'])
    expect(new Set(azure.calls.filter(isCompletion).map(({ text }) => text)).size).toBe(1)
  })
})
