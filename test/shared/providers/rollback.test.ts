import { beforeEach, describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { incidentManagement, remediation } from '../../../functions/index.ts'
import { actionsOf, type Category } from '../../../shared/providers/category.ts'
import { defineJobProvider, type StartJob } from '../../../shared/providers/job.ts'
import type { LookUp } from '../../../shared/providers/look-up.ts'
import { rollbackJob, startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { expectFailure, failureOf } from '../../functions/helpers.ts'
import { Job } from '../../functions/job.ts'

let calls: string[] = []
beforeEach(() => {
  calls = []
})

const connection = z.strictObject({ baseUrl: z.string(), target: z.optional(z.string()) })
const lookUp: LookUp = { newest: 'all' }
const jobs = defineJobProvider({
  title: 'Acme',
  noun: 'execution',
  connection,
  check: async () => undefined,
  states: { Done: 'pass' },
  hasIdempotentStart: true as const,
  checkStart: () => void calls.push('checkStart'),
  find: async () => void calls.push('find'),
  lookUp,
  start: async () => {
    calls.push('start')
    return { id: '1' }
  },
  getStatus: async () => ({ state: 'Done' }),
})
const rollback = {
  start: async (_client: unknown, { target, ref }: StartJob) => {
    calls.push(`rollback of ${target} to ${ref}`)
    return { id: '2', summary: 'to the one before' }
  },
}
const withRollback = { ...jobs, rollback }
const actions = { start: rollbackJob({ summary: 'Goes back' }), stop: stopJob({ summary: 'Stops it' }) }
const values = () => ({ baseUrl: 'http://localhost' })
const connected = (provider: typeof withRollback = withRollback) => new Job(provider, actions, values)

describe('Rollback', () => {
  test('calls rollback.start and not the start of the provider', async () => {
    const started = await connected().start({ target: 'shop', ref: '7' })
    expect(calls).toEqual(['rollback of shop to 7'])
    expect(started.outcome.message).toContain('Started rollback 2: to the one before')
    expect(await connected().end(started, { target: 'shop' })).toMatchObject({ message: 'Rollback 2 ended as Done' })
  })

  test('is not repeated if its outcome is unknown, even if the start is idempotent', async () => {
    const options = { isRetry: true }
    const words = 'It is unknown whether a rollback was started'
    await expectFailure(connected().start({ target: 'shop' }, options), 'unconfirmed', words)
    expect(calls).toEqual([])
    const starting = { ...actions, start: startJob({ summary: 'Starts', silent: 'waits' }) }
    await new Job(withRollback, starting, values).start({ target: 'shop' }, options)
    expect(calls).toEqual(['checkStart', 'start'])
  })

  test('uses its own find and checkStart if the provider declares them', async () => {
    const checkStart = () => void calls.push('checkStart of the rollback')
    const checked = { ...rollback, checkStart, find: async () => ({ id: '3' }), lookUp }
    const started = await connected({ ...jobs, rollback: checked }).start({ target: 'shop' }, { isRetry: true })
    expect(started.outcome.data).toMatchObject({ id: '3' })
    expect(calls).toEqual(['checkStart of the rollback'])
  })

  test('requires a target', async () => {
    expect((await failureOf(connected().start({}))).message).toContain('input.target is required')
  })

  test('is not among the actions of a provider without it', async () => {
    const of = async (category: Category, name: string) => {
      const provider = await category.providers[name]?.()
      return provider && actionsOf(category, provider)
    }
    expect(await of(remediation, 'rundeck')).toEqual(['run-runbook', 'stop-runbook', 'run-job'])
    expect(await of(remediation, 'http')).toContain('rollback')
    expect(await of(incidentManagement, 'pagerduty-automation')).toEqual(['run-runbook'])
  })

  test('is rejected with an alternative if the platform does not support it', async () => {
    const words = 'Acme has no rollback: start an execution of the previous version instead.'
    await expectFailure(new Job(jobs, actions, values).start({ target: 'shop' }), 'invalid', words)
  })
})
