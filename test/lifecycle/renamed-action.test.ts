import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { compilePolicy } from '../../shared/policy/file.ts'
import { actionNames } from '../../shared/providers/category.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { triggered } from './lifecycle.ts'
import { category, useLifecycle } from './platform.ts'

/** The category after `stop-run` and `start-run` were renamed. */
const renamed = {
  ...category,
  actions: {
    ...category.actions,
    'halt-run': category.actions['stop-run'] as never,
    'launch-run': category.actions['start-run'] as never,
  },
  formerNames: { 'halt-run': 'stop-run', 'launch-run': 'start-run' },
}
const folder = temporaryFolder()
const NAMES = ['halt-run', 'stop-run']
const { lifecycle, platform } = useLifecycle(renamed)
beforeEach(() => {
  platform.states = ['busy']
})
afterEach(() => {
  delete process.env['WEBHOOKS_POLICY_FILE']
})

const stopEvent = (id: string) => ({ ...triggered(), input: { id } })
async function runningId(): Promise<string> {
  const { body } = await lifecycle.post('start-run?connection=job', { ...triggered(), input: { target: 'deploy' } })
  return body.data.id
}
/** Deploys a policy that refuses an action. */
function deny(name: string): void {
  const file = join(folder, `${name}.json`)
  writeFileSync(
    file,
    JSON.stringify(compilePolicy({ rules: [{ name: 'a', when: { actions: [`testing/${name}`] }, deny: 'No' }] })),
  )
  process.env['WEBHOOKS_POLICY_FILE'] = file
}
function changeCaller(change: object): void {
  const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
  lifecycle.replace('callers', { ...callers, keptn: { ...callers['keptn'], ...change } })
}

describe('A renamed action', () => {
  it('is listed by its new name', () => {
    const others = actionNames(category).filter((name) => !['stop-run', 'start-run'].includes(name))
    expect(actionNames(renamed)).toEqual([...others, 'halt-run', 'launch-run'])
  })

  it('is the same call under both names, with the identity of its former name', async () => {
    const event = stopEvent(await runningId())
    const target = (name: string) => `${name}?connection=job&mode=interactive`
    const [first, second] = await Promise.all(NAMES.map((name) => lifecycle.post(target(name), event)))
    expect(second?.body.taskId).toBe(first?.body.taskId)
    expect(lifecycle.newest()).toMatchObject({ id: first?.body.taskId, action: 'stop-run' })
    expect((await lifecycle.run(lifecycle.newest())).outcome).toMatchObject({ message: 'Stopped run 1 (cancelled)' })
  })

  it.each(NAMES)('may be called under both names by a caller that may call %s', async (allowed) => {
    changeCaller({ allow: ['testing/start-run', `testing/${allowed}`] })
    for (const name of NAMES)
      expect(await lifecycle.post(`${name}?connection=job`, stopEvent(await runningId()))).toMatchObject({
        status: 200,
      })
    changeCaller({ allow: ['testing/start-run'] })
    for (const name of NAMES) expect(await lifecycle.post(name, stopEvent('1'))).toMatchObject({ status: 403 })
    changeCaller({ allow: undefined })
  })

  it.each(NAMES)('is restricted under both names by a rule for %s', async (named) => {
    deny(named)
    for (const name of NAMES)
      expect(await lifecycle.post(`${name}?connection=job`, stopEvent('1'))).toMatchObject({ status: 403 })
  })

  it.each(['launch-run', 'start-run'])(
    'is not run again under its former name if a rule for %s refuses it',
    async (named) => {
      platform.states = ['broken']
      const { id, outcome } = await lifecycle.call('start-run?connection=job', {
        ...triggered(),
        input: { target: 'deploy' },
      })
      expect(outcome?.result).toBe('fail')
      deny(named)
      const started = lifecycle.invocations.length
      expect(await lifecycle.command('rerun', id)).toMatchObject({ status: 403 })
      expect(lifecycle.invocations).toHaveLength(started)
    },
  )

  it.each(NAMES)('uses the default connection of %s under both names', async (name) => {
    changeCaller({ connections: { testing: 'ticket', [`testing/${name}`]: 'job' } })
    for (const called of NAMES)
      expect(await lifecycle.post(called, stopEvent(await runningId()))).toMatchObject({ status: 200 })
    changeCaller({ connections: undefined })
  })
})
