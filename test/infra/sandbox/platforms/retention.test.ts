import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { deleteOld, RETENTION_MS } from '../../../../infra/sandbox/platforms/sandbox/retention.ts'
import { openStore } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { recordKinds } from './records.ts'
import { type Started, start } from './start.ts'

const kinds = Object.values(recordKinds).filter(({ target }) => target !== 'unleash' && target !== 'toxiproxy')
const before = new Date(Date.now() - RETENTION_MS - 60_000).toISOString()
let started: Started
beforeAll(async () => {
  started = await start(state)
})
beforeEach(async () => {
  started.sandbox.empty()
  for (const text of ['One', 'Two']) {
    for (const { write } of kinds) await write(started, text)
    await started.github('POST', '/repos/acme/shop/issues/1/comments', { body: text })
  }
})
afterAll(() => started.stop())
const state = temporaryFolder()

/** Opens the database while the sandbox uses it. */
function withStore<T>(use: (store: ReturnType<typeof openStore>) => T): T {
  const store = openStore(state)
  try {
    return use(store)
  } finally {
    store.close()
  }
}
const count = (table: string) =>
  withStore((store) => store.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)?.count)
const deleteAt = (ms: number) => withStore((store) => deleteOld(store, Date.now() + ms))

/** The tables, and the rows that two records of each kind have in them before and after 14 days. */
const tables: Record<string, [before: number, left: number]> = {
  issues: [2, 1],
  comments: [2, 0],
  runs: [2, 1],
  incidents: [2, 1],
  journal: [4, 0],
  job_runs: [6, 3],
  messages: [2, 0],
  reports: [2, 0],
  tool_records: [2, 1],
  events: [2, 2],
}

test.each(Object.entries(tables))('The sandbox keeps %s for 14 days', (table, [before, left]) => {
  deleteAt(RETENTION_MS - 60_000)
  expect(count(table)).toBe(before)
  deleteAt(RETENTION_MS + 60_000)
  // The newest numbered record stays.
  expect(count(table)).toBe(left)
})

test('The sandbox does not reuse the numbers of deleted records', async () => {
  deleteAt(RETENTION_MS + 60_000)
  const { json: issue } = await started.github('POST', '/repos/acme/shop/issues', { title: 'Three' })
  const { json: incident } = await started.serviceNow('POST', '/api/now/table/incident', {})
  const { json: ticket } = await started.tool('POST', '/tickets', { title: 'Three' })
  expect([issue.number, incident.result.number, ticket.number]).toEqual([3, 'INC0010003', 'T-3'])
})

test.each(['requests', 'events'])('The sandbox deletes old %s if there are newer ones', (table) => {
  const all = count(table) ?? 0
  withStore((store) => {
    store.run(`UPDATE ${table} SET at = ? WHERE seq = (SELECT min(seq) FROM ${table})`, before)
    deleteOld(store)
  })
  expect(count(table)).toBe(all - 1)
})

test('The sandbox keeps an old issue with a recent change, but not its old comments', () => {
  withStore((store) => {
    for (const table of ['issues', 'comments']) store.run(`UPDATE ${table} SET created_at = ?`, before)
    deleteOld(store)
  })
  expect([count('issues'), count('comments')]).toEqual([2, 0])
})
