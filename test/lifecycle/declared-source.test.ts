import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readDirectCall } from '../../shared/core/direct/read-direct-call.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { category, useLifecycle } from './platform.ts'

const { lifecycle } = useLifecycle()
const file = join(temporaryFolder(), 'events.json')
const connections = (...names: string[]) => names.map((name) => `${category.name}/${name}`)

beforeAll(() => {
  const sources = {
    ci: { type: 'http', wakes: connections('job', 'blind', 'delegated') },
    other: { type: 'jenkins', wakes: connections('queued') },
  }
  writeFileSync(file, JSON.stringify({ sources }))
  process.env['WEBHOOKS_EVENTS_FILE'] = file
})
afterAll(() => {
  delete process.env['WEBHOOKS_EVENTS_FILE']
})

const start = { input: { target: 'deploy' } }

/** Reads a call without HTTP. */
const read = (call: object) => {
  lifecycle.store('callers', { direct: { categories: ['*'] } })
  return readDirectCall(category, { id: 'call', connection: 'job', ...call }, { hasOrchestrator: false })
}

describe('The source of a task', () => {
  it.each([
    ['is in its payload', 'start-run?connection=job', 'ci'],
    ['is in its payload for each provider of jobs, if it has the type http', 'start-run?connection=blind', 'ci'],
    ['is not in its payload if another type of source notifies its provider', 'start-run?connection=queued', undefined],
  ])('%s', async (_what, target, source) => {
    expect((await lifecycle.accept(target, start)).source).toBe(source)
  })

  it('is in the payload of a task that another durable function invokes', async () => {
    expect((await read({ action: 'start-run', mode: 'interactive', ...start })).source).toBe('ci')
  })

  it.each([
    ['a silent call', { action: 'start-run', ...start }],
    [
      'a call that starts no job',
      { action: 'open-ticket', mode: 'interactive', connection: 'ticket', input: { title: 'T' } },
    ],
  ])('is not in %s', async (_what, call) => {
    expect((await read(call)).source).toBeUndefined()
  })
})
