import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { openStore, RETENTION_MS } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { recordKinds } from './records.ts'
import { type Started, start } from './start.ts'

const MINUTE_MS = 60_000
const state = temporaryFolder()
let started: Started
beforeAll(async () => {
  started = await start(state)
})
beforeEach(async () => {
  started.sandbox.empty()
  for (const text of ['One', 'Two']) {
    for (const { write } of Object.values(recordKinds)) await write(started, text)
  }
})
afterAll(() => started.stop())

/** Opens the database while the sandbox uses it. */
function withStore<T>(use: (store: ReturnType<typeof openStore>) => T): T {
  const store = openStore(state)
  try {
    return use(store)
  } finally {
    store.close()
  }
}
const count = (collection: string) => withStore((store) => store.collection(collection).list().length)
const deleteAt = (ms: number) => withStore((store) => store.deleteOld(Date.now() + ms))
const comment = (body: string) => started.github('POST', '/repos/acme/shop/issues/1/comments', { body })

/** The collections, and the number of their records before and after 14 days. */
const collections: Record<string, [before: number, left: number]> = {
  'github.issues': [2, 0],
  'github.runs': [2, 0],
  'servicenow.incidents': [2, 0],
  'servicenow.journal': [4, 0],
  'databricks.runs': [2, 0],
  'rundeck.runs': [2, 0],
  'tool.runs': [2, 0],
  'tool.tickets': [2, 0],
  'slack.messages': [2, 0],
  'dynatrace.reports': [2, 0],
  'keptn.events': [2, 0],
  // Settings of the platforms.
  'unleash.flags': [3, 3],
  'unleash.change-requests': [1, 1],
  'toxiproxy.proxies': [2, 2],
}

test.each(Object.entries(collections))('The sandbox keeps %s for 14 days', (collection, [before, left]) => {
  deleteAt(RETENTION_MS - MINUTE_MS)
  expect(count(collection)).toBe(before)
  deleteAt(RETENTION_MS + MINUTE_MS)
  expect(count(collection)).toBe(left)
})

test('The sandbox lists requests for 14 days', () => {
  deleteAt(RETENTION_MS - MINUTE_MS)
  expect(started.sandbox.requests('github')).toHaveLength(4)
  deleteAt(RETENTION_MS + MINUTE_MS)
  expect(started.sandbox.requests()).toEqual([])
})

test('The sandbox does not reuse the numbers of deleted records', async () => {
  deleteAt(RETENTION_MS + MINUTE_MS)
  const { json: issue } = await started.github('POST', '/repos/acme/shop/issues', { title: 'Three' })
  const { json: incident } = await started.serviceNow('POST', '/api/now/table/incident', {})
  const { json: ticket } = await started.tool('POST', '/tickets', { title: 'Three' })
  expect([issue.number, incident.result.number, ticket.number]).toEqual([3, 'INC0010003', 'T-3'])
})

test('The sandbox keeps an old issue with a recent change, but not its old comments', async () => {
  await comment('Old')
  const before = Date.now() + 10
  while (Date.now() <= before) await started.github('GET', '/repos/acme/shop/issues/1')
  await started.github('PATCH', '/repos/acme/shop/issues/1', { title: 'Changed' })
  withStore((store) => store.deleteOld(RETENTION_MS + before))
  expect([count('github.issues'), count('github.comments')]).toEqual([1, 0])
})
