import { describe, expect, it, jest } from '@jest/globals'
import { withLogLines } from '../log-lines.ts'
import { CALLER, KEY, SECRET_PART, TARGET, useCallback } from './callback-calls.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform, receiver, orchestrator, call, callWithUrl, accept, openTicket } = useCallback()

describe('An answer that is sent again', () => {
  it('is the same message', async () => {
    const { id } = await openTicket(callWithUrl())
    passTime(3_600)
    expect(await lifecycle.command('answer', id, CALLER)).toMatchObject({ status: 202 })
    expect(lifecycle.invocations.at(-1)?.name).toMatch(new RegExp(`^${id}-answer-`))
    await lifecycle.run(lifecycle.newest())
    const [first, second] = receiver.calls
    expect(second?.text).toBe(first?.text)
    expect(receiver.duplicates).toEqual([`${id}-finished`])
    expect(platform.tickets).toHaveLength(1)
  })

  it('reaches a receiver that had refused it', async () => {
    receiver.failNext(410)
    const { id, unanswered } = await openTicket(callWithUrl())
    await lifecycle.command('answer', id, CALLER)
    const repeat = await lifecycle.run(lifecycle.newest())
    expect([unanswered, repeat.unanswered, receiver.accepted.length]).toEqual(['unwanted', undefined, 1])
  })
})

it('A task that runs again has no address for its answer', async () => {
  platform.failNext(403, { message: 'no' }, { on: 'POST' })
  const { id } = await openTicket(callWithUrl())
  await lifecycle.command('rerun', id, CALLER)
  const payload = lifecycle.newest()
  await lifecycle.run(payload)
  expect(payload).toMatchObject({ rerunOf: id })
  expect(payload).not.toHaveProperty('sealedReplyTo')
  expect(receiver.calls).toHaveLength(1)
})

describe('A repeated call with a URL', () => {
  const other = () => ({ callback: `${receiver.url}/wait/another` })
  const repeat = (event: object) =>
    lifecycle.post(`${TARGET}&mode=interactive&sendStarted=true`, event, { caller: CALLER })
  const paths = () => receiver.accepted.map(({ path }) => path)

  it('is the same execution, even if the key of addresses has changed', async () => {
    const event = callWithUrl()
    const payload = await accept(event)
    expect(await accept(event)).toBe(payload)
    lifecycle.replace('callbacks', { key: 'n'.repeat(64), previousKey: KEY })
    expect(await accept(event)).toBe(payload)
    await lifecycle.run(payload)
    expect(receiver.calls).toHaveLength(1)
  })

  it('is refused if its URL is another one and the task runs, because the result goes to the first URL', async () => {
    const event = callWithUrl()
    const payload = await accept(event)
    expect(await repeat({ ...event, ...other() })).toMatchObject({
      status: 409,
      body: { detail: expect.stringMatching(/its result goes to another address.*Send another id/) },
    })
    await lifecycle.run(payload)
    expect(paths()).toEqual([`/wait/${SECRET_PART}`])
  })

  it.each([
    ['its URL', `/wait/${SECRET_PART}`, `/wait/${SECRET_PART}`],
    ['another URL', `/wait/${SECRET_PART}`, '/wait/another'],
    ['the fixed URL of the orchestrator', undefined, '/hooks/done'],
  ])('gets the result at %s if the task has ended', async (_, first, second) => {
    orchestrator({ allow: [`${receiver.url}/wait/`], url: `${receiver.url}/hooks/done` })
    const event = first === undefined ? call() : callWithUrl()
    const { id } = await openTicket(event)
    const again = second === '/wait/another' ? { ...event, ...other() } : event
    expect(await repeat(again)).toMatchObject({ status: 202, body: { taskId: id, duplicate: true } })
    await lifecycle.run(lifecycle.newest())
    expect(receiver.calls.map(({ path }) => path)).toEqual([first ?? second, second])
    expect(receiver.calls[1]?.text).toBe(receiver.calls[0]?.text)
    expect(platform.tickets).toHaveLength(1)
  })

  it('is refused with the reason if its URL is another one and its caller has a limit', async () => {
    const event = callWithUrl()
    await openTicket(event)
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
    lifecycle.replace('callers', { ...callers, [CALLER]: { ...callers[CALLER], callsPerMinute: 1 } })
    // Both calls are in the same minute.
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now())
    const statuses = [(await repeat(event)).status, (await repeat({ ...event, ...other() })).status]
    now.mockRestore()
    lifecycle.replace('callers', callers)
    expect(statuses).toEqual([202, 429])
  })

  it('is sent nothing for a task that Lambda ended: the finisher answers', async () => {
    const event = callWithUrl()
    const payload = await accept(event)
    const { arn } = await lifecycle.run(payload, { interruption: { effect: 'end', checkpoint: 0, isRecorded: true } })
    expect(await repeat(event)).toMatchObject({ status: 202, body: { duplicate: true } })
    expect(await repeat({ ...event, ...other() })).toMatchObject({ status: 409 })
    await lifecycle.finish(arn)
    expect(paths()).toEqual([`/wait/${SECRET_PART}`])
  })
})

describe('The key of reply addresses', () => {
  it('can be replaced while a task runs', async () => {
    const payload = await accept(callWithUrl())
    lifecycle.replace('callbacks', { key: 'n'.repeat(64), previousKey: KEY })
    await lifecycle.run(payload)
    expect(receiver.accepted).toHaveLength(1)
  })

  it('if it is lost, the task ends, says so and logs it for the alarm', async () => {
    const payload = await lifecycle.accept(`${TARGET}&sendStarted=false`, callWithUrl(), CALLER)
    lifecycle.replace('callbacks', { key: 'n'.repeat(64) })
    const { result, lines } = await withLogLines(() => lifecycle.run(payload))
    expect(lines.filter((line) => line.includes('"answerLost":true'))).toEqual([
      expect.stringMatching(/^\{"level":"ERROR".*secret callbacks/),
    ])
    expect(result).toMatchObject({ status: 'SUCCEEDED', unanswered: 'lost', outcome: { result: 'pass' } })
    expect(receiver.calls).toEqual([])
  })
})
