import { beforeEach, describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { defineJobProvider, type StartJob } from '../../../shared/providers/job.ts'
import { rollbackJob, startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { failureOf } from '../../functions/helpers.ts'
import { Job } from '../../functions/job.ts'

let asked: string[] = []
beforeEach(() => {
  asked = []
})

const connection = z.strictObject({ baseUrl: z.string(), target: z.optional(z.string()) })
const jobs = defineJobProvider({
  title: 'Acme',
  noun: 'execution',
  connection,
  check: async () => undefined,
  states: { Done: 'pass' },
  hasIdempotentStart: true as const,
  checkStart: () => void asked.push('checkStart'),
  find: async () => void asked.push('find'),
  start: async () => {
    asked.push('start')
    return { id: '1' }
  },
  getStatus: async () => ({ state: 'Done' }),
})
const rollback = {
  start: async (_client: unknown, { target, ref }: StartJob) => {
    asked.push(`rollback of ${target} to ${ref}`)
    return { id: '2', summary: 'to the one before' }
  },
}
const goesBack = { ...jobs, rollback }
const actions = { start: rollbackJob({ summary: 'Goes back' }), stop: stopJob({ summary: 'Stops it' }) }
const values = () => ({ baseUrl: 'http://localhost' })
const connected = (provider: typeof goesBack = goesBack) => new Job(provider, actions, values)

describe('a rollback', () => {
  test('is a start of another kind, and nothing of the start itself is asked', async () => {
    const begun = await connected().start({ target: 'shop', ref: '7' })
    expect(asked).toEqual(['rollback of shop to 7'])
    expect(begun.outcome.message).toContain('Started rollback 2: to the one before')
    expect(await connected().end(begun, { target: 'shop' })).toMatchObject({ message: 'Rollback 2 ended as Done' })
  })

  test('is never repeated in doubt, though starts are one per key', async () => {
    const options = { isRetry: true }
    const failure = await failureOf(connected().start({ target: 'shop' }, options))
    expect(failure).toMatchObject({ kind: 'doubtful' })
    expect(failure.message).toContain('It is unknown whether a rollback was started')
    expect(asked).toEqual([])
    await new Job(goesBack, { ...actions, start: startJob({ summary: 'Starts', silent: 'waits' }) }, values).start(
      { target: 'shop' },
      options,
    )
    expect(asked).toEqual(['checkStart', 'start'])
  })

  test('is looked up and checked in its own way where it has one', async () => {
    const checked = {
      ...rollback,
      checkStart: () => void asked.push('checkStart of it'),
      find: async () => ({ id: '3' }),
    }
    const begun = await connected({ ...jobs, rollback: checked }).start({ target: 'shop' }, { isRetry: true })
    expect(begun.outcome.data).toMatchObject({ id: '3' })
    expect(asked).toEqual(['checkStart of it'])
  })

  test('needs what goes back', async () => {
    expect((await failureOf(connected().start({}))).message).toContain('input.target is required')
  })

  test('is refused at a platform that has none, with what can be done instead', async () => {
    const failure = await failureOf(new Job(jobs, actions, values).start({ target: 'shop' }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toBe('Acme has no rollback: start an execution of the previous version instead.')
  })
})
