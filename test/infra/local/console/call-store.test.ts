import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { callList } from '../../../../infra/local/console/call-list.ts'
import { CallStore } from '../../../../infra/local/console/call-store.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { storedCall, summaryWith } from './many-calls.ts'

const folder = temporaryFolder()
let store: CallStore
let other: DatabaseSync
beforeEach(() => {
  const file = join(folder, `${randomUUID()}.db`)
  store = new CallStore(file)
  other = new DatabaseSync(file)
})
afterEach(() => {
  jest.restoreAllMocks()
  other.close()
  store.close()
})

const storedCallOf = (id: string) => storedCall(summaryWith({ id, at: 1 }))

it('a call that cannot be saved is lost with one warning, and the others are saved', () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => {})
  other.exec(
    "CREATE TRIGGER full BEFORE INSERT ON call WHEN NEW.id LIKE 'bad%' BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
  )
  store.save([storedCallOf('good-1'), storedCallOf('bad-1'), storedCallOf('good-2')])
  store.save([storedCallOf('bad-2')])
  expect(store.list({}, 0, 10).map(({ id }) => id)).toEqual(['good-1', 'good-2'])
  expect(warn.mock.calls).toEqual([[expect.stringContaining('disk is full')]])
})

it('calls are saved again after the file was locked', () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => {})
  other.exec('BEGIN IMMEDIATE')
  store.save([storedCallOf('lost')], ['other'])
  other.exec('ROLLBACK')
  store.save([storedCallOf('saved')])
  expect(store.list({}, 0, 10).map(({ id }) => id)).toEqual(['saved'])
  expect(warn).toHaveBeenCalledTimes(1)
})

it('a group counts all of its calls, and lists the newest ones', () => {
  const calls = Array.from({ length: 120 }, (_, at) => summaryWith({ id: `in-${at}`, at, context: 'release' }))
  store.save([...calls, summaryWith({ id: 'without', at: 500 })].map(storedCall))
  const read = callList(store, new URLSearchParams({ group: 'sequence' }), 1_000)
  const groups = 'groups' in read ? read.groups : []
  expect(groups.map(({ context, total, calls }) => [context, total, calls.length, calls[0]?.id])).toEqual([
    ['', 1, 1, 'without'],
    ['release', 120, 100, 'in-119'],
  ])
})

it('a call is found by the start of its id although the ids of its answers start with it, too', () => {
  const id = 'ab'.repeat(20)
  store.save(
    [`${id}-answer-1`, `${id}-answer-2`, id, `${'cd'.repeat(20)}`, `cdcdcdcd${'0'.repeat(32)}`].map(storedCallOf),
  )
  expect(['abababab', id, 'cdcdcdcd'].map((start) => store.completeId(start))).toEqual([id, id, undefined])
})
