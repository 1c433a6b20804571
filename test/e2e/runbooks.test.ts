import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GetDurableExecutionCommand, GetDurableExecutionHistoryCommand, InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service, triggered } from './service.ts'

const page = (name: string) => readFileSync(join(import.meta.dirname, '../../docs/runbooks', name), 'utf8')
const service = new Service({ timeScale: 60 })
await service.start()
const lambda = service.lambdaClient()
afterAll(() => service.end())
afterEach(() => service.clearFaults())

/** Returns a task whose attempts fail. */
async function waiting() {
  await service.fault({ target: 'github', kind: '503' })
  const event = triggered({ input: { title: 'Checkout is slow' } })
  const { body } = await service.openIssue(event, '?mode=interactive&sendStarted=true')
  const arn = (await service.tasks()).find(({ name }) => name === body.taskId)?.arn
  await service.until(async () => (await service.repliesTo(event.id)).started === 1, 'the started event')
  return { event, taskId: body.taskId as string, arn: arn as string }
}

const finishers = async () => (await service.tasks()).filter(({ functionName }) => functionName === 'finisher')

/** The waits of all finishers so far: a task whose finisher runs once has none. */
async function waitsOfFinishers(): Promise<(string | undefined)[]> {
  const read = ({ arn }: { arn: string }) =>
    lambda.send(new GetDurableExecutionHistoryCommand({ DurableExecutionArn: arn }))
  const histories = await waitForAll((await finishers()).map(read))
  return histories
    .flatMap(({ Events = [] }) => Events)
    .flatMap(({ EventType, Name }) => (EventType === 'WaitStarted' ? [Name] : []))
}

describe('The runbooks', () => {
  it.each(['finisher-failed.md', 'finisher-timed-out.md'])(
    '%s: the finisher, called again for a task, sends nothing twice',
    async (name) => {
      const { event, arn, taskId } = await waiting()
      await service.stopTask(taskId)
      await service.finishedOf(event.id)
      const before = (await finishers()).length
      const [, payload = ''] = /--payload '(\{.*\})'/.exec(page(name)) ?? []
      const Payload = payload.replace('<of the task>', arn)
      await lambda.send(new InvokeCommand({ FunctionName: 'finisher:live', InvocationType: 'Event', Payload }))
      await service.until(async () => {
        const all = await finishers()
        return all.length === before + 1 && all.every(({ status }) => status === 'SUCCEEDED')
      }, 'the end of the finisher')
      const { started, finished } = await service.repliesTo(event.id)
      expect([started, finished.length]).toEqual([1, 1])
      expect(await waitsOfFinishers()).toContain('in-flight-grace')
    },
  )

  it('finisher-dead-letters.md: the edited event takes the task over from another finisher', () => {
    const [, expression = ''] = /sed -E '(.*)' > body\.json/.exec(page('finisher-dead-letters.md')) ?? []
    const event = {
      'detail-type': 'Durable Execution Status Change',
      detail: { durableExecutionArn: 'a', status: 'FAILED' },
    }
    for (const space of [undefined, 1]) {
      const input = JSON.stringify(event, undefined, space)
      const body = execFileSync('sed', ['-E', expression], { input, encoding: 'utf8' })
      expect(JSON.parse(body)).toEqual({ ...event, detail: { ...event.detail, again: true } })
    }
  })

  it('dead-letters.md: a task that is started once more under its own name is the same task', async () => {
    const { event, taskId, arn } = await waiting()
    expect(page('dead-letters.md')).toContain('--durable-execution-name <taskId> --payload file://body.json')
    const { InputPayload: Payload } = await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }))
    const again = { FunctionName: 'issue-ticketing-task:live', DurableExecutionName: taskId, Payload }
    const { DurableExecutionArn } = await lambda.send(new InvokeCommand({ ...again, InvocationType: 'Event' }))
    expect(DurableExecutionArn).toBe(arn)
    await service.clearFaults()
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length, finished[0].result]).toEqual([1, 1, 'pass'])
  })

  it('README.md: Keptn takes the finished event that is sent by hand', async () => {
    const { event, arn } = await waiting()
    const { InputPayload = '' } = await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }))
    const payload = JSON.parse(InputPayload)
    const [, json = ''] = /-d '(\{\n[\s\S]*?\n\})'/.exec(page('README.md')) ?? []
    const body = json
      .replace('<category>', payload.category)
      .replace(/<event\.(\w+)>/g, (_, field: string) => payload.event[field])
    const headers = { 'x-token': demo.keptnToken, 'content-type': 'application/json' }
    const { status } = await fetch(`${service.url}/sandbox/keptn/api/v1/event`, { method: 'POST', headers, body })
    expect(status).toBe(200)
    const { finished } = await service.repliesTo(event.id)
    expect(finished).toMatchObject([
      { status: 'errored', result: 'fail', message: 'Ended by hand', service: 'casdemoapp' },
    ])
  })
})
