import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { dist, verify, webhookFile } from '../../infra/build/files.ts'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { listen } from '../listen.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service } from './service.ts'

/** The shipped bundles with broken webhooks: one throws, one does not load, and one responds with an error. */
const broken = {
  slo: "export const handler = async ({ headers }) => { throw new Error('broken for ' + headers.authorization) }",
  'ci-cd': "throw new Error('broken at import')",
  optimization: `export const handler = async () => ({ statusCode: 503, body: '{"detail":"There is no table"}' })`,
}
const bundles = join(temporaryFolder(), 'dist')
mkdirSync(bundles)
for (const name of readdirSync(dist)) {
  if (name in broken) cpSync(join(dist, name), join(bundles, name), { recursive: true })
  else symlinkSync(join(dist, name), join(bundles, name))
}
for (const [category, code] of Object.entries(broken)) writeFileSync(join(bundles, category, webhookFile), code)

const service = new Service({
  bundles,
  secrets: { 'cloud-automation-webhooks/verify': { token: demo.callerToken } },
})

/** CodeDeploy, for deployments whose id is the name of their group. Other requests go to the Lambda of the runtime. */
const reports: Record<string, unknown>[] = []
const invoked: string[] = []
const aws = createServer(async (request, response) => {
  const body = await text(request)
  const { host: _, connection: __, ...headers } = request.headers
  const operation = String(headers['x-amz-target']).replace('CodeDeploy_20141006.', '')
  response.setHeader('content-type', 'application/json')
  if (operation === 'GetDeployment') {
    const { deploymentId: deploymentGroupName } = JSON.parse(body)
    return response.end(JSON.stringify({ deploymentInfo: { deploymentGroupName } }))
  }
  if (operation === 'PutLifecycleEventHookExecutionStatus') {
    reports.push(JSON.parse(body))
    return response.end('{}')
  }
  if (request.url?.includes('/functions/')) invoked.push(decodeURIComponent(request.url))
  const answer = await forward(String(request.url), headers, body)
  const error = answer.headers.get('x-amz-function-error')
  if (error !== null) response.setHeader('x-amz-function-error', error)
  response.writeHead(answer.status).end(await answer.text())
})
let endpoint = ''

function forward(path: string, headers: IncomingHttpHeaders, body: string): Promise<Response> {
  const { aws: cloud } = readRuntimeFile(service.state) ?? {}
  return fetch(`${cloud?.endpoint}${path}`, { method: 'POST', headers: headers as Record<string, string>, body })
}

beforeAll(async () => {
  await service.start()
  endpoint = `http://127.0.0.1:${await listen(aws)}`
})
afterAll(async () => {
  aws.close()
  await service.end()
})

/** Runs the shipped bundle in a process of its own. */
async function run(event: object, variables: Record<string, string> = {}) {
  const { aws: cloud } = readRuntimeFile(service.state) ?? {}
  const versions = ['notification', ...Object.keys(broken)].map((name) => [name, `${name}-webhook:1`])
  const code =
    'require(process.argv[1]).handler(JSON.parse(process.argv[2])).catch((error) => { console.log(error); process.exitCode = 1 })'
  const child = spawn(process.execPath, ['-e', code, join(dist, verify, `${verify}.js`), JSON.stringify(event)], {
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: cloud?.accessKeyId,
      AWS_SECRET_ACCESS_KEY: cloud?.secretAccessKey,
      WEBHOOKS_NEW_VERSIONS: JSON.stringify(Object.fromEntries(versions)),
      WEBHOOKS_URL: service.url,
      ...variables,
    },
  })
  const [output, errors] = await waitForAll([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { output: `${output}${errors}`, code: child.exitCode }
}

describe('the hook of CodeDeploy', () => {
  const hook = (group: string) => run({ DeploymentId: group, LifecycleEventHookExecutionId: `hook of ${group}` })
  const reported = (group: string) => reports.filter(({ deploymentId }) => deploymentId === group)
  /** Runs that stop a deployment. They try again after pauses, so they run at the same time. */
  const stopping: Record<string, ReturnType<typeof run>> = {}
  beforeAll(() => {
    for (const group of [...Object.keys(broken), 'others']) stopping[group] = hook(group)
    const event = { DeploymentId: 'notification', LifecycleEventHookExecutionId: 'without token' }
    stopping['without token'] = run(event, { WEBHOOKS_SECRET_PREFIX: 'elsewhere' })
  })

  it('lets calls shift to a version that passes both calls, and invokes that version itself', async () => {
    const { output, code } = await hook('notification')
    expect(reports.filter((one) => one['lifecycleEventHookExecutionId'] === 'hook of notification')).toEqual([
      expect.objectContaining({ deploymentId: 'notification', status: 'Succeeded' }),
    ])
    expect(code).toBe(0)
    const lines = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { message: 'verified', category: 'notification', mode: 'silent', verdict: 'pass' },
      { message: 'verified', category: 'notification', mode: 'interactive', verdict: 'pass' },
    ])
    const paths = invoked.filter((path) => path.includes('notification'))
    expect(new Set(paths)).toEqual(new Set(['/2015-03-31/functions/notification-webhook:1/invocations']))
    expect(output).not.toContain(demo.callerToken)
  })

  it.each([
    ['throws', 'slo', 'slo-webhook:1 failed: Error: broken for Bearer ***'],
    ['does not load', 'ci-cd', 'broken at import'],
    ['responds with an error', 'optimization', 'HTTP 503: There is no table'],
    ['belongs to an unknown group', 'others', 'does not know the deployment group others'],
  ])('stops a deployment whose version %s, and logs the reason without the token', async (_, group, reason) => {
    const { output = '', code } = (await stopping[group]) ?? {}
    expect(reported(group)).toMatchObject([{ lifecycleEventHookExecutionId: `hook of ${group}`, status: 'Failed' }])
    expect(output).toContain(reason)
    expect(output).not.toContain(demo.callerToken)
    expect(code).toBe(0)
  })

  it('stops a deployment if there is no token', async () => {
    const { output } = (await stopping['without token']) ?? {}
    const [report] = reports.filter((one) => one['lifecycleEventHookExecutionId'] === 'without token')
    expect(report).toMatchObject({ status: 'Failed' })
    expect(output).toContain('There is no secret elsewhere/verify')
  })
})

describe('the schedule', () => {
  it('passes if each category passes through the public URL', async () => {
    const before = invoked.length
    const { output, code } = await run({}, { WEBHOOKS_VERIFY: 'notification,issue-ticketing' })
    expect(code).toBe(0)
    expect(output.match(/"verdict":"pass"/g)).toHaveLength(4)
    expect(invoked).toHaveLength(before)
  })

  it('fails if one category does not pass, after it has called the others', async () => {
    const { output, code } = await run({}, { WEBHOOKS_VERIFY: 'optimization,notification' })
    expect(code).toBe(1)
    expect(output).toContain('HTTP 503: There is no table')
    expect(output.match(/"verdict":"pass"/g)).toHaveLength(2)
    expect(output).not.toContain(demo.callerToken)
  })

  it('fails if the API does not respond', async () => {
    const { output, code } = await run({}, { WEBHOOKS_VERIFY: 'slo', WEBHOOKS_URL: 'http://127.0.0.1:9' })
    expect(code).toBe(1)
    expect(output).toContain('"message":"cannot verify"')
  })
})
