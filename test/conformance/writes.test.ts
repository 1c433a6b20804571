import '../functions/aws.ts'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { startTable } from '../functions/load-testing/table.ts'
import { platforms } from './platforms.ts'
import { type Lifecycle, observe, unexpectedBodies } from './writes.ts'

const secrets = new Map<string, string>()
jest.unstable_mockModule('@aws-lambda-powertools/parameters/secrets', () => ({
  getSecret: async (name: string) => secrets.get(name),
}))
// The platforms that are played show at once what they have made, or never.
jest.unstable_mockModule('../../shared/sleep.ts', () => ({ sleep: async () => undefined }))
const { categories } = await import('../../functions/index.ts')

/** Providers with no write that could come twice, and why. */
const readers: Record<string, string> = {
  'load-testing/autocannon': 'runs in the task itself: there is no platform',
}

/** It is done and was found, or what is there is not known. */
const KNOWN_ENDS = /^succeeded: |^(?:doubtful|errored): .*(?:may have been created|is not known|look (?:at|there))/s

let table: { close(): Promise<void> }
let lifecycle: Lifecycle
beforeAll(async () => {
  table = await startTable()
  // What the servers that play AWS take.
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'a-secret-access-key-of-nobody',
  })
  const { readCall } = await import('../../shared/function/call.ts')
  const { answerSilently } = await import('../../shared/function/silent.ts')
  const { begin } = await import('../../shared/function/begin.ts')
  lifecycle = {
    ...{ readCall, answerSilently, begin },
    store: (path, secret) => void secrets.set(`cloud-automation-webhooks/${path}`, JSON.stringify(secret)),
  }
})
afterAll(() => table.close())

test('the conformance suite lists every provider that writes', async () => {
  const seen = new Set<unknown>()
  const missing: string[] = []
  for (const category of categories) {
    for (const [name, load] of Object.entries(category.providers)) {
      const provider = await load()
      const path = `${category.name}/${name}`
      const measures = provider.shape === 'evaluation' && !('begin' in provider)
      // A provider that several categories have is tested once.
      if (!seen.has(provider) && !measures && !(path in platforms) && !(path in readers)) missing.push(path)
      seen.add(provider)
    }
  }
  expect(missing).toEqual([])
})

describe.each(Object.entries(platforms))('%s: a success with an unexpected body', (path, platform) => {
  const [categoryName, provider = ''] = path.split('/')
  const category = categories.find(({ name }) => name === categoryName)
  if (!category) throw new Error(`There is no category ${categoryName}`)

  test.each(Object.entries(unexpectedBodies))(
    '%s is one write',
    async (_what, body) => {
      for (const mode of platform.needsTask ? (['interactive'] as const) : (['silent', 'interactive'] as const)) {
        const { ends, writes, made } = await observe(lifecycle, category, provider, platform, { body, mode })
        expect({ mode, ends, accepted: (writes[0] ?? 500) < 300 }).toMatchObject({ accepted: true })
        if (platform.repeatable && made !== undefined) expect({ mode, ends, made }).toMatchObject({ made: 1 })
        if (!platform.repeatable) expect({ mode, ends, writes: writes.length }).toMatchObject({ writes: 1 })
        for (const end of ends) expect({ mode, end }).toMatchObject({ end: expect.stringMatching(KNOWN_ENDS) })
      }
    },
    120_000,
  )
})
