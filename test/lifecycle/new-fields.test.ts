import { describe, expect, it } from '@jest/globals'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()

const PREFIX = 'cloud-automation-webhooks'
const target = 'start-run?connection=job&sendStarted=true'
const event = () => ({ ...triggered(), input: { target: 'deploy' } })

/** Adds a field that this version does not know to a secret, at its first level and below it. */
function addField(path: string, fields: object): void {
  lifecycle.replace(path, { ...(lifecycle.secrets.get(`${PREFIX}/${path}`) as object), ...fields })
}

describe('A field that only a newer version knows', () => {
  it('does not end a running task, in its connection, its orchestrator or its caller', async () => {
    const payload = await lifecycle.accept(target, event())
    const saved = new Map(lifecycle.secrets)
    addField('connections/testing/job', { source: 'github' })
    addField('orchestrators/keptn', { writes: 'approve', limits: { calls: 1 } })
    const callers = lifecycle.secrets.get(`${PREFIX}/callers`) as Record<string, object>
    addField('callers', { keptn: { ...callers['keptn'], color: 'red' } })
    platform.states = ['queued', 'busy', 'done']
    const { outcome, sent } = await lifecycle.run(payload)
    expect([outcome?.result, sent]).toEqual(['pass', ['started', 'finished']])
    for (const [path, value] of saved) lifecycle.replace(path.slice(PREFIX.length + 1), value)
  })

  it.each([
    ['connections/testing/job', { source: 'github' }, /source is not a known field/],
    ['orchestrators/keptn', { writes: 'approve' }, /writes is not a known field/],
    ['callers', { other: { categories: ['*'], color: 'red' } }, /other\.color is not a known field/],
  ])('is refused by the webhook, which names it: %s', async (path, fields, detail) => {
    const before = lifecycle.secrets.get(`${PREFIX}/${path}`)
    addField(path, fields)
    const { status, body } = await lifecycle.post(`${target}&mode=interactive`, event())
    expect([status, body.detail]).toEqual([503, expect.stringMatching(detail)])
    lifecycle.replace(path, before)
  })
})
