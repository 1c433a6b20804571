import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { CallStore, type StoredCall } from '../../../../infra/local/console/call-store.ts'

let folder: string
let store: CallStore
let other: DatabaseSync
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'call-store-'))
  store = new CallStore(join(folder, 'console.db'))
  other = new DatabaseSync(join(folder, 'console.db'))
})
afterEach(() => {
  jest.restoreAllMocks()
  other.close()
  store.close()
  rmSync(folder, { recursive: true, force: true })
})

function storedCall(id: string): StoredCall {
  return {
    record: { id, at: 1, requests: [], outgoing: [], log: [], droppedCalls: 0 },
    summary: {
      ...{
        id,
        at: 1,
        endedAt: 2,
        verdict: 'pass',
        category: 'ci-cd',
        action: 'start-test',
        provider: '',
        platform: '',
      },
      ...{ connection: '', mode: 'silent', caller: '', orchestrator: '', engine: '', context: '', place: '', task: '' },
      ...{ text: '', attempts: 1, failedAttempts: 0, answer: 'none' },
    },
  }
}

it('a call that cannot be saved is lost with one warning, and the others are saved', () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => {})
  other.exec(
    "CREATE TRIGGER full BEFORE INSERT ON call WHEN NEW.id LIKE 'bad%' BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
  )
  store.save([storedCall('good-1'), storedCall('bad-1'), storedCall('good-2')])
  store.save([storedCall('bad-2')])
  expect(store.list({}, 0, 10).map(({ id }) => id)).toEqual(['good-1', 'good-2'])
  expect(warn.mock.calls).toEqual([[expect.stringContaining('disk is full')]])
})

it('calls are saved again after the file was locked', () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => {})
  other.exec('BEGIN IMMEDIATE')
  store.save([storedCall('lost')], ['other'])
  other.exec('ROLLBACK')
  store.save([storedCall('saved')])
  expect(store.list({}, 0, 10).map(({ id }) => id)).toEqual(['saved'])
  expect(warn).toHaveBeenCalledTimes(1)
})
