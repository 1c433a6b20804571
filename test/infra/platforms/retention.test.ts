import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { deleteOld, RETENTION_MS } from '../../../infra/platforms/sandbox/retention.ts'
import { openStore } from '../../../infra/platforms/sandbox/store.ts'
import { finished, type Started, start } from './start.ts'

const state = mkdtempSync(join(tmpdir(), 'sandbox-retention-'))
let started: Started
beforeAll(async () => {
  started = await start(state)
})
beforeEach(() => started.sandbox.empty())
afterAll(async () => {
  await started.stop()
  rmSync(state, { recursive: true })
})

const context = '2b1c0f0e-8a52-4d6b-9a55-27a2f5fb31a8'

/** Opens the database next to the sandbox that uses it. */
function withStore<T>(use: (store: ReturnType<typeof openStore>) => T): T {
  const store = openStore(state)
  try {
    return use(store)
  } finally {
    store.close()
  }
}
const later = (ms: number) => withStore((store) => deleteOld(store, Date.now() + ms))
const rows = (table: string) =>
  withStore((store) => store.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)?.count)

/** Something of each kind, twice. */
async function use(): Promise<void> {
  for (const title of ['One', 'Two']) {
    const { json: issue } = await started.github('POST', '/repos/acme/shop/issues', { title })
    await started.github('POST', `/repos/acme/shop/issues/${issue.number}/comments`, { body: title })
    await started.github('POST', '/repos/acme/shop/actions/workflows/deploy.yml/dispatches', { ref: 'main' })
    await started.serviceNow('POST', '/api/now/table/incident', { short_description: title, comments: title })
    await started.databricks('POST', '/api/2.2/jobs/run-now', { job_id: 101 })
    await started.slack('POST', 'chat.postMessage', { channel: 'C0RELEASES', text: title })
    await started.dynatrace('POST', '/api/v2/events/ingest', { eventType: 'CUSTOM_INFO', title })
    await started.tool('POST', '/tickets', { title })
    await started.keptn('POST', '/api/v1/event', finished(context))
  }
}
const records = [
  'issues',
  'comments',
  'incidents',
  'journal',
  'runs',
  'job_runs',
  'messages',
  'reports',
  'tool_records',
  'events',
]

test('The sandbox keeps records for 14 days', async () => {
  await use()
  later(RETENTION_MS - 60_000)
  expect(records.map((table) => [table, rows(table)])).toEqual(records.map((table) => [table, 2]))
  expect(started.sandbox.requests()).toHaveLength(18)
})

test('The sandbox deletes older records except the newest numbered one, so that numbers are not reused', async () => {
  await use()
  later(RETENTION_MS + 60_000)
  expect(records.map(rows)).toEqual([1, 0, 1, 0, 1, 1, 0, 0, 1, 2])
  const { json: issue } = await started.github('POST', '/repos/acme/shop/issues', { title: 'Three' })
  const { json: incident } = await started.serviceNow('POST', '/api/now/table/incident', { short_description: 'Three' })
  const { json: run } = await started.databricks('POST', '/api/2.2/jobs/run-now', { job_id: 101 })
  const { json: ticket } = await started.tool('POST', '/tickets', { title: 'Three' })
  expect([issue.number, incident.result.number, run.run_id]).toEqual([3, 'INC0010003', expect.any(Number)])
  expect(ticket.number).toBe('T-3')
  expect(started.sandbox.databricks.runs('')).toHaveLength(2)
})

test('The sandbox deletes old requests and events once there are newer ones', async () => {
  await use()
  withStore((store) => {
    const before = new Date(Date.now() - RETENTION_MS - 60_000).toISOString()
    for (const table of ['requests', 'events']) {
      store.run(`UPDATE ${table} SET at = ? WHERE seq = (SELECT min(seq) FROM ${table})`, before)
    }
    deleteOld(store)
  })
  expect([rows('requests'), rows('events')]).toEqual([17, 1])
})

test('The sandbox keeps an old issue with a recent change, but not its old comments', async () => {
  await use()
  withStore((store) => {
    const before = new Date(Date.now() - RETENTION_MS - 60_000).toISOString()
    store.run('UPDATE issues SET created_at = ?', before)
    store.run('UPDATE comments SET created_at = ?', before)
    deleteOld(store)
  })
  expect([rows('issues'), rows('comments')]).toEqual([2, 0])
})
