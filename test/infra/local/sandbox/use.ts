import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach } from '@jest/globals'
import { type Started, start } from './start.ts'

/**
 * One running sandbox for a test file, emptied before each test.
 *
 * @param clicksTo where a click in the chat goes
 */
export function useSandbox(clicksTo?: () => string): Started {
  const state = mkdtempSync(join(tmpdir(), 'sandbox-'))
  const started = {} as Started
  beforeAll(async () => {
    Object.assign(started, await start(state, clicksTo?.()))
  })
  beforeEach(() => {
    started.sandbox.empty()
    started.seen.length = 0
  })
  afterAll(async () => {
    await started.stop()
    rmSync(state, { recursive: true })
  })
  return started
}
