import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../infra/testing/loopback-server.ts'
import { onceOf } from '../../shared/providers/once.ts'
import type { ReportDestination, ReportProvider } from '../../shared/providers/report.ts'
import { type ClientOptions, failureOf, keyOf } from '../functions/helpers.ts'
import { evaluated, type ReportOptions, report } from '../functions/slo/drive.ts'
import type { CommonOptions } from './common/options.ts'
import { isWrite, requestOf } from './common/requests.ts'
import { commonTests } from './common.ts'
import { testEach } from './test-each.ts'

interface ReportPlatform {
  server: Served
  connection: Record<string, unknown>
  /** The input of a report that the platform accepts. */
  input?: object
  /** Returns how many reports a reader of the platform sees. */
  visible: () => number
  /** Returns what the platform shows for the result of the last report, for `results`. */
  result?: () => unknown
}

interface Options<P extends ReportPlatform> extends CommonOptions<P['server']> {
  start: () => Promise<P>
  /** The inputs that the platform supports. Every other one must be refused. */
  inputs?: readonly (keyof ReportDestination)[]
  /** By result and status: the value that the platform shows. */
  results?: readonly { result: string; status: string; shown: unknown }[]
  /** A report replaces the previous one of the same service. */
  replaces?: true
  /** Inputs that are refused before anything is sent, and a part of the message. Undefined removes a field. */
  refused?: readonly { input: object; message: string }[]
}

const destinationFields: readonly (keyof ReportDestination)[] = ['channel', 'id', 'project', 'ref', 'fields']

/** Reports to the platform of the current test. */
interface Reports {
  platform(): ReportPlatform
  push(options?: ReportOptions, input?: object): ReturnType<typeof report>
}

/**
 * Registers the tests that every report provider must pass: those of `commonTests`, inputs that the platform does not support
 * are refused, each result is shown, and a retry adds no second report.
 *
 * @example
 * import { defineReportProvider, secret, url, z } from 'cloud-automation-webhooks'
 * import { reportConformance, serve } from 'cloud-automation-webhooks/testing'
 *
 * const token = 'acme-token-0123456789'
 *
 * const acme = defineReportProvider({
 *   title: 'Acme',
 *   connection: z.strictObject({ baseUrl: url('URL of the API'), token: secret('API token') }),
 *   headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
 *   check: ({ http }) => http.get('me', { schema: z.object({ name: z.string() }) }),
 *   supportedFields: ['ref'],
 *   // A second report with the same key replaces the first.
 *   hasIdempotentWrites: () => true,
 *   async report({ http, idempotencyKey }, { ref }, { evaluation }) {
 *     const report = { ref, result: evaluation.result, key: idempotencyKey }
 *     const { body } = await http.post('reports', report, { schema: z.object({ id: z.string() }) })
 *     return { id: body.id, summary: `report ${body.id}` }
 *   },
 * })
 *
 * reportConformance(acme, {
 *   inputs: ['ref'],
 *   async start() {
 *     const reports = new Map()
 *     const server = await serve(({ method, headers, body }) => {
 *       if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: { message: 'invalid token' } }
 *       if (method === 'GET') return { status: 200, body: { name: 'robot' } }
 *       const id = body.key ?? String(reports.size + 1)
 *       reports.set(id, body)
 *       return { status: 201, body: { id } }
 *     })
 *     return {
 *       server,
 *       connection: { baseUrl: server.url, token },
 *       input: { ref: 'a'.repeat(40) },
 *       visible: () => reports.size,
 *     }
 *   },
 * })
 */
export function reportConformance<P extends ReportPlatform>(provider: ReportProvider, options: Options<P>): void {
  describe(`${provider.title}: report conformance`, () => {
    const pushAt = (platform: ReportPlatform, more: ReportOptions = {}, input: object = {}) =>
      report(provider, platform.connection, { ...platform.input, ...input }, more)
    const platform = commonTests<P>(provider, {
      ...options,
      operations: { report: (platform) => (more?: ClientOptions) => pushAt(platform, more) },
    })
    const reports: Reports = { platform, push: (more, input) => pushAt(platform(), more, input) }
    resultTests(reports, provider, options)
    refusalTests(reports, options)
    repeatTests(reports, provider, options)
  })
}

function resultTests<P extends ReportPlatform>(
  { platform, push }: Reports,
  { title }: ReportProvider,
  { results = [] }: Options<P>,
): void {
  test('reports an evaluation', async () => {
    const message = expect.stringContaining(`to ${title}: `)
    expect(await push()).toMatchObject({ status: 'succeeded', result: 'pass', message })
  })

  testEach(
    results,
    ({ result, status, shown }) => `shows the result ${result} with the status ${status} as ${JSON.stringify(shown)}`,
    async ({ result, status, shown }) => {
      await push({ data: { result, status, evaluation: { ...evaluated, result } } })
      expect(platform().result?.()).toEqual(shown)
    },
  )
}

function refusalTests<P extends ReportPlatform>(
  { platform, push }: Reports,
  { inputs = [], refused = [] }: Options<P>,
): void {
  const unsupported = destinationFields
    .filter((field) => !inputs.includes(field))
    .map((field) => ({ input: { [field]: field === 'fields' ? { a: 'x' } : 'x' }, message: `input.${field} is` }))

  testEach(
    [...unsupported, ...refused],
    ({ input }) => `refuses ${JSON.stringify(input)} before it sends anything`,
    async ({ input, message }) => {
      const failure = await failureOf(push({}, input))
      expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining(message) })
      expect(platform().server.calls).toEqual([])
    },
  )
}

/** Newer reports of other calls, if the search has no limit: with the report, one page of most lists. */
const OTHERS = 99

function repeatTests<P extends ReportPlatform>(
  { platform, push }: Reports,
  provider: ReportProvider,
  { replaces }: Options<P>,
): void {
  const { by, newest, needs, otherwise } = onceOf(provider, 'report')
  const repeats = by === 'nothing'
  const visible = () => platform().visible()
  const countWrites = () => platform().server.calls.filter(isWrite).length

  test(`a retry after a lost response ${repeats ? 'reports again' : 'adds no second report'}, and another event adds another`, async () => {
    await lose()
    const before = countWrites()
    expect(await push({ isRetry: true })).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(countWrites() > before).toBe(by !== 'look-up')
    const reports = repeats ? 2 : 1
    expect(visible()).toBe(reports)
    await push({ key: keyOf(2) })
    expect(visible()).toBe(replaces ? 1 : reports + 1)
  })

  const limit = typeof newest === 'number' ? newest : undefined
  const others = limit === undefined ? OTHERS : limit - 1

  if (!repeats) {
    test(`a retry after a lost response adds no second report behind ${others} others`, async () => {
      await lose()
      for (let other = 0; other < others; other++) await push({ key: keyOf(other + 2) })
      expect(await push({ isRetry: true })).toMatchObject({ status: 'succeeded', result: 'pass' })
      expect(visible()).toBe(replaces ? 1 : others + 1)
      if (limit === undefined) return
      await push({ key: keyOf(others + 2) })
      await unrecognized()
    })
  }

  if (needs?.without) {
    test(`a retry after a lost response is not recognized without ${needs.text}`, async () => {
      Object.assign(platform().connection, needs.without)
      await lose()
      await unrecognized()
    })
  }

  async function lose(): Promise<void> {
    platform().server.loseNext(isWrite)
    expect(await failureOf(push())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
  }

  async function unrecognized(): Promise<void> {
    const before = visible()
    const retry = push({ isRetry: true })
    if (otherwise === 'again') expect(await retry).toMatchObject({ status: 'succeeded' })
    else expect(await failureOf(retry)).toMatchObject({ kind: 'unconfirmed', transient: false })
    expect(visible()).toBe(otherwise === 'again' ? before + 1 : before)
  }

  test('a retry creates the report if the first attempt did not, in addition to those of other calls', async () => {
    await push({ key: keyOf(2) })
    expect(await push({ isRetry: true })).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(visible()).toBe(replaces ? 1 : 2)
  })

  test('needs no idempotency key, and neither stores a marker nor searches for one without it', async () => {
    await push({ key: undefined })
    const { calls } = platform().server
    const sent = calls.splice(0).map(requestOf)
    await push({ key: undefined, isRetry: true })
    expect(calls.map(requestOf)).toEqual(sent)
    for (const { query, text } of calls) expect(`${query} ${text}`).not.toMatch(/undefined/)
  })
}
