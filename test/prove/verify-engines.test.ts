import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createEngineRuns, type EngineRuns } from '../../infra/sandbox/engines/runs.ts'
import { openStore, type Store } from '../../infra/sandbox/platforms/sandbox/store.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import type { Entry } from './call-records.ts'
import { type Call, callOf } from './calls.ts'
import { PlatformRecords } from './platform-records.ts'
import { verifyEngines } from './verify-engines.ts'

const folders = temporaryFolder()
const passed = { verdict: 'pass', message: 'Deployed' } as const
let store: Store
let runs: EngineRuns
let records: PlatformRecords
let call: Call
beforeEach(() => {
  const folder = mkdtempSync(join(folders, 'verify-'))
  store = openStore(folder)
  records = new PlatformRecords(folder)
  runs = createEngineRuns(store)
  const calls = Array.from({ length: 100 }, (_, n) => callOf(1, n))
  const found = calls.find(({ engine }) => engine?.name === 'callback')
  if (!found?.engine) throw new Error('This engine calls nothing in the plan.')
  call = found
  runs.start('callback', call.id, found.engine.step)
})
afterEach(() => {
  records.close()
  store.close()
})

function judge(status: Entry['status']) {
  const entry: Entry = { call, deliveries: [], accepted: { at: 0, taskId: 'task' }, ...(status ? { status } : {}) }
  const { violations, engines } = verifyEngines([entry], records, [])
  return { broken: violations.map(({ claim }) => claim), engines }
}

const ended = (verdict: string, more: object = {}) => ({ state: 'finished', verdict, ...more })

test('One result that is that of the task is valid', () => {
  runs.end(call.id, passed)
  expect(judge(ended('pass'))).toMatchObject({ broken: [], engines: [{ accepted: 1, answered: 1, gone: 0 }] })
})

test('A missing result, another one than that of the task, and a second one are violations', () => {
  expect(judge(ended('pass')).broken).toEqual(['answered'])
  runs.end(call.id, passed)
  expect(judge(ended('fail')).broken).toEqual(['answered'])
  expect(judge(ended('running')).broken).toEqual(['answered'])
  runs.end(call.id, { ...passed, message: 'Deployed again' })
  expect(judge(ended('pass')).broken).toEqual(['answered'])
})

test('A task that does not record that its engine no longer waits is a violation', () => {
  runs.giveUp(call.id)
  expect(judge(ended('pass')).broken).toEqual(['gone'])
  expect(judge(ended('pass', { unanswered: 'unwanted' }))).toMatchObject({
    broken: [],
    engines: [{ gone: 1, recorded: 1 }],
  })
})
