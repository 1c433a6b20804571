import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Context } from 'aws-lambda'
import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { category, useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()

beforeEach(() => {
  const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
  const agent = { agent: true, writes: 'allow', orchestrator: undefined }
  lifecycle.replace('callers', { ...callers, keptn: { ...callers['keptn'], ...agent } })
})

const post = (key: string, body: object) =>
  lifecycle.post(`open-ticket?connection=ticket&mode=interactive&key=${key}`, body)
const open = (key: string, title: string) => post(key, { input: { title } })

describe('A key of an agent', () => {
  it('names one call: with other arguments it starts nothing, and the response names the task', async () => {
    const first = await open('incident-7', 'Checkout is slow')
    await lifecycle.run(lifecycle.newest())
    expect(await open('incident-7', 'Checkout is slow')).toMatchObject({
      status: 202,
      body: { taskId: first.body.taskId, duplicate: true },
    })
    expect(await open('incident-7', 'The checkout is slow')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining(first.body.taskId), errors: [{ path: 'key' }] },
    })
    expect([lifecycle.invocations.length, platform.tickets.length]).toEqual([1, 1])
    expect(await open('incident-8', 'The checkout is slow')).toMatchObject({ status: 202 })
    expect(lifecycle.invocations).toHaveLength(2)
  })

  it('names one call in direct invocations, too', async () => {
    const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 20_000 } as Context
    const invoke = (id: string, title: string) =>
      webhookHandler(category)(
        { action: 'open-ticket', caller: 'keptn', connection: 'ticket', mode: 'interactive', id, input: { title } },
        context,
      )
    const first = await open('incident-11', 'Checkout is slow')
    await expect(invoke('incident-11', 'The checkout is slow')).rejects.toMatchObject({
      name: 'Webhooks.Invalid',
      message: expect.stringContaining(first.body.taskId),
    })
    expect(await invoke('incident-11', 'Checkout is slow')).toEqual({ taskId: first.body.taskId, duplicate: true })
    expect(await invoke('incident-12', 'Checkout is slow')).toMatchObject({ duplicate: false })
    expect(await open('incident-12', 'The checkout is slow')).toMatchObject({ status: 400 })
  })

  it('names the same call if fields that are not set are sent as null', async () => {
    const title = 'Checkout is slow'
    const before = lifecycle.invocations.length
    const first = await post('incident-9', { input: { title, labels: ['slow'] } })
    for (const body of [
      { input: { title, labels: ['slow'], assignee: null, priority: null, fields: null }, data: null },
      {
        input: { title, labels: ['slow'] },
        data: { project: null, message: null, labels: { team: null } },
        context: null,
      },
    ])
      expect(await post('incident-9', body)).toMatchObject({
        status: 202,
        body: { taskId: first.body.taskId, duplicate: true },
      })
    expect(await post('incident-9', { input: { title, labels: null } })).toMatchObject({ status: 400 })
    // Fields of the platform are sent unchanged, and null may empty one.
    const fields = { input: { title, labels: ['slow'], fields: { due: null } } }
    expect(await post('incident-9', fields)).toMatchObject({ status: 400, body: { errors: [{ path: 'key' }] } })
    expect(lifecycle.invocations).toHaveLength(before + 1)
  })

  it('is refused with a null in a list, because that is not a field', async () => {
    const sent = { input: { title: 'Checkout is slow', labels: ['slow', null] } }
    expect(await post('incident-10', sent)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'input.labels.1' }] },
    })
  })
})
