import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'
import { categories } from '../../functions/index.ts'
import { queries } from '../../infra/aws/queries.ts'
import { dist, finisher, redeliver, webhookBundle, webhookFile } from '../../infra/build/files.ts'
import { installPackages } from '../../infra/project/install.mjs'
import { type Call, type Served, serve } from '../../infra/testing/loopback-server.ts'
import { Service, triggered } from '../e2e/service.ts'
import { RuntimeProcess } from './aws-runtime/runtime-process.ts'

const webhook = basename(webhookFile, '.mjs')
const bundles = [
  ...categories.flatMap(({ name }) => [`${name}/${webhook}`, `${name}/task`]),
  `${finisher}/${finisher}`,
  `${redeliver}/${redeliver}`,
]
const folder = mkdtempSync(join(tmpdir(), 'webhooks-aws-runtime-'))
const started: RuntimeProcess[] = []
beforeAll(() => installPackages(join(import.meta.dirname, 'aws-runtime')))
afterAll(async () => {
  await Promise.all(started.map((runtime) => runtime.end()))
  rmSync(folder, { recursive: true })
})

/** The part of the query for lines that are not JSON. */
const crashLine = new RegExp(/@message like \/(.+)\/$/m.exec(queries.errors)?.[1] ?? 'none')

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret-access-key', sessionToken: 'a/b+c==' }

/**
 * Starts a bundle.
 *
 * @param aws URL of all AWS services. By default, none of them can be reached
 */
async function start(entry: string, aws = 'http://127.0.0.1:1'): Promise<RuntimeProcess> {
  const runtime = await RuntimeProcess.start(entry, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_ENDPOINT_URL: aws,
    WEBHOOKS_STATE_TABLE: 'table',
    WEBHOOKS_REDELIVER: 'github',
  })
  started.push(runtime)
  return runtime
}

describe("AWS's runtime client", () => {
  it.each(bundles)('loads %s', async (bundle) => {
    const runtime = await start(join(dist, bundle))
    await runtime.ready()
    await runtime.end()
  })
})

describe("The local runtime with all functions under AWS's runtime client", () => {
  const service = new Service({ bundles: folder, timeScale: 60 })
  beforeAll(() => {
    for (const bundle of bundles) forward(bundle)
    return service.start()
  })
  afterAll(() => service.end())

  it('responds to silent calls', async () => {
    const event = triggered({ input: { title: 'Checkout is slow' } })
    const silent = await service.openIssue(event)
    expect(silent).toMatchObject({ status: 200, body: { status: 'succeeded', result: 'pass' } })
    expect(await service.openIssue(triggered({ input: { titel: 'Checkout' } }))).toMatchObject({ status: 400 })
    expect(await service.openIssue(event, '', { token: 'another-token' })).toMatchObject({ status: 401 })
  })

  it('sends the finished event of an interactive call that needed a second attempt', async () => {
    await service.fault({ target: 'github', kind: '503', count: 1 })
    const event = triggered({ input: { title: 'Checkout is slow' } })
    expect(await service.openIssue(event, '?mode=interactive&sendStarted=true')).toMatchObject({ status: 202 })
    const finished = [expect.objectContaining({ status: 'succeeded', result: 'pass' })]
    expect(await service.finishedOf(event.id)).toEqual({ started: 1, finished })
  })

  it('sends the finished event of a task that Lambda ended', async () => {
    await service.fault({ target: 'github', kind: '503' })
    const event = triggered({ input: { title: 'Checkout is slow' } })
    const { body } = await service.openIssue(event, '?mode=interactive')
    const hasFailed = () => service.logs().some(({ taskId, kind }) => taskId === body.taskId && kind === 'platform')
    await service.until(hasFailed, 'a first attempt')
    await service.stopTask(body.taskId)
    expect((await service.finishedOf(event.id)).finished).toMatchObject([{ status: 'errored', result: 'fail' }])
  })

  it('writes only JSON, apart from what the client writes about the end of the task', () => {
    const events = service.output.split('\n').filter((line) => line.startsWith('{"from":"cloud"'))
    const lines = events.map((event) => JSON.parse(event)).filter(({ kind }) => kind === 'log')
    const writers = ['issue-ticketing-webhook', 'issue-ticketing-task', finisher]
    expect(new Set(lines.map(({ functionName }) => functionName))).toEqual(new Set(writers))
    expect(lines.filter(({ line }) => !isJson(line) && !crashLine.test(line))).toEqual([])
  })
})

function isJson(line: string): boolean {
  try {
    return line.startsWith('{') && Boolean(JSON.parse(line))
  } catch {
    return false
  }
}

/** Makes the local runtime run a bundle under AWS's runtime client. */
function forward(bundle: string): void {
  const [name = '', entry] = bundle.split('/')
  const module = JSON.stringify(fileURLToPath(import.meta.resolve('./aws-runtime/forward.ts')))
  const target = JSON.stringify(join(dist, bundle))
  const [file, code] =
    entry === webhook
      ? [webhookFile, `import { forwardTo } from ${module}\nexport const handler = forwardTo(${target})\n`]
      : [`${entry}.js`, `exports.handler = require(${module}).forwardTo(${target})\n`]
  mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, name, file), code)
}

describe('While Secrets Manager fails', () => {
  let aws: Served
  beforeAll(async () => {
    aws = await serve(() => ({ status: 500, body: { __type: 'InternalServiceError', message: 'Try again' } }))
  })
  afterAll(() => aws.close())

  it('a webhook responds with 503, and signs its requests like the SDK', async () => {
    const runtime = await start(join(dist, 'issue-ticketing', webhook), aws.url)
    const response = await runtime.invoke({
      httpMethod: 'POST',
      path: '/issue-ticketing/open-issue',
      headers: { authorization: 'Bearer a-token', 'content-type': 'application/json' },
      body: JSON.stringify(triggered()),
      requestContext: { domainName: 'api.example.com', path: '/v1/issue-ticketing/open-issue' },
    })
    expect(response).toMatchObject({ statusCode: 503, body: expect.stringContaining('from Secrets Manager now') })
    expect(aws.calls.length).toBeGreaterThan(0)
    for (const call of aws.calls) expect(call.headers['authorization']).toBe(await authorizationOf(call))
  })

  it('a handler that rejects writes a line that the query "errors" finds', async () => {
    const runtime = await start(join(dist, redeliver, redeliver), aws.url)
    const written = text(runtime.stdout)
    // Lambda counts the rejection in the metric Errors.
    await expect(runtime.invoke({})).rejects.toThrow('from Secrets Manager now')
    await runtime.end()
    expect(await written).toMatch(crashLine)
  })
})

/** Returns what the signer of the SDK computes for a request to Secrets Manager or DynamoDB. */
async function authorizationOf({ method, encodedPath, query, headers, text: body }: Call): Promise<string | undefined> {
  const signer = new SignatureV4({
    service: /^secretsmanager/.test(String(headers['x-amz-target'])) ? 'secretsmanager' : 'dynamodb',
    region: 'eu-west-1',
    credentials,
    sha256: Hash.bind(null, 'sha256'),
    applyChecksum: false,
  })
  const names = /SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '')?.[1]?.split(';') ?? []
  const signed = Object.fromEntries(names.map((name) => [name, String(headers[name])]))
  const signingDate = new Date(String(headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'))
  const request = { method, protocol: 'http:', hostname: '127.0.0.1', path: encodedPath, headers: signed, body }
  const result = await signer.sign({ ...request, query: Object.fromEntries(query) }, { signingDate })
  return result.headers['authorization']
}

describe.each([
  [webhook, `${webhookBundle}.js`],
  ['task', 'task.js'],
])('A broken bundle of a %s writes a line that the query "errors" finds', (entry, file) => {
  it.each<[string, (path: string, code: string) => void]>([
    ['throws an error', (path, code) => writeFileSync(path, `throw new Error('The setting is missing')\n${code}`)],
    ['has a syntax error', (path, code) => writeFileSync(path, `${code}}`)],
    ['lacks a file', (path, code) => rmSync(join(path, '..', /chunk-\w+\.js/.exec(code)?.[0] ?? ''))],
  ])('if it %s', async (what, breakIt) => {
    const broken = join(folder, `${what} ${entry}`)
    cpSync(join(dist, 'issue-ticketing'), broken, { recursive: true, filter: (path) => !path.endsWith('.map') })
    breakIt(join(broken, file), readFileSync(join(broken, file), 'utf8'))
    const runtime = await start(join(broken, entry))
    expect(await text(runtime.stdout)).toMatch(crashLine)
    expect(await runtime.exited).not.toBe(0)
    // Lambda counts it in the metric Errors.
    expect(runtime.initError).toMatchObject({ errorType: expect.any(String) })
  })
})
