import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { FaultSpec } from '../../infra/platforms/sandbox/faults.ts'
import { Service, triggered, until } from './service.ts'

let service: Service
beforeEach(async () => {
  service = await new Service({ timeScale: 20 }).start()
})
afterEach(() => service.end())

/** Holds a step after the platform has carried its request out, so that the process is killed there. */
const steps: { step: string; fault: FaultSpec }[] = [
  { step: 'open-issue', fault: { target: 'github', kind: 'hang', after: true, match: { method: 'POST' } } },
  {
    step: 'send-finished',
    fault: { target: 'keptn', kind: 'hang', after: true, match: { method: 'POST', body: '.finished' } },
  },
]

describe('A process that is killed', () => {
  it.each(steps)(
    'in $step continues after a restart and ends with one issue, one started and one finished event',
    async ({ fault }) => {
      await service.fault({ ...fault, count: 1 })
      const event = triggered({ input: { title: 'Survives' } })
      expect((await service.openIssue(event, '?mode=interactive&sendStarted=true')).status).toBe(202)
      await until(
        async () => (await service.requests(fault.target)).some(({ status }) => status === null),
        20,
        () => `a call that hangs\n${service.output}`,
      )
      await service.kill()
      await service.start()
      const { started, finished } = await service.finishedOf(event.id, 30)
      expect([started, finished.length, (await service.issues()).length]).toEqual([1, 1, 1])
      expect(finished[0]).toMatchObject({ status: 'succeeded', result: 'pass' })
    },
  )

  it('right after the 202 response continues after a restart', async () => {
    const events = [triggered(), triggered(), triggered()]
    const answers = await Promise.all(
      events.map((event) => service.openIssue(event, '?mode=interactive&sendStarted=true')),
    )
    await service.kill()
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    await service.start()
    for (const { id } of events) {
      const { started, finished } = await service.finishedOf(id, 30)
      expect([started, finished.length]).toEqual([1, 1])
    }
    expect(await service.issues()).toHaveLength(3)
  })

  it('recognizes a repeated call after a restart', async () => {
    const event = triggered({ input: { title: 'Sent again after a crash' } })
    const first = await service.openIssue(event, '?mode=interactive')
    await service.kill()
    await service.start()
    const again = await service.openIssue(event, '?mode=interactive')
    expect(again).toMatchObject({ status: 202, body: { taskId: first.body.taskId, duplicate: true } })
    const { finished } = await service.finishedOf(event.id, 30)
    expect([finished.length, (await service.issues()).length]).toEqual([1, 1])
  })

  it('reports the status of an earlier task and recognizes its repeat', async () => {
    const event = triggered()
    const { body } = await service.openIssue(event, '?mode=interactive')
    await service.finishedOf(event.id)
    await service.kill()
    await service.start()
    const status = await service.call(new URL(body.statusUrl).pathname, undefined, { method: 'GET' })
    expect(status.body).toMatchObject({ state: 'finished', outcome: { result: 'pass' } })
    expect((await service.openIssue(event, '?mode=interactive')).body).toMatchObject({
      duplicate: true,
      taskId: body.taskId,
    })
  })
})
