import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, jest } from '@jest/globals'
import { CallStore } from '../../../../infra/local/console/call-store.ts'
import type { SequenceView } from '../../../../infra/local/console/sequences.ts'
import { startRuntime } from '../../../../infra/local/runtime.ts'

it('a runtime that is closed during a sequence reads no call of the closed store', async () => {
  const state = mkdtempSync(join(tmpdir(), 'webhooks-close-'))
  const runtime = await startRuntime({ port: 0, state })
  const load = jest.spyOn(CallStore.prototype, 'load')
  const close = jest.spyOn(CallStore.prototype, 'close')
  const started = await fetch(`${runtime.url}/console/sequences/incident`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  expect(started.status).toBe(202)
  const hasCall = async () => {
    const response = await fetch(`${runtime.url}/console/sequences`)
    const sequences = (await response.json()) as SequenceView[]
    return sequences.some(({ run }) => run?.tasks.some(({ call }) => call))
  }
  while (!(await hasCall())) await sleep(5)
  await runtime.close()
  const [closed = 0] = close.mock.invocationCallOrder
  expect(load.mock.invocationCallOrder.filter((order) => order > closed)).toEqual([])
  rmSync(state, { recursive: true })
})
