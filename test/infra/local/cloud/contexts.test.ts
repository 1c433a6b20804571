import { beforeAll, describe, expect, test } from '@jest/globals'
import { durable, folder, latestEvents, lines, startBefore } from './harness.ts'

const running = startBefore(() => ({ functions: durable(['smallChild', 'bigChild', 'manySteps', 'fan']) }))
const notes = (name: string) => lines(folder.file(name))
const events = {
  small: ['smallChild', {}],
  big: ['bigChild', { bytes: 400_000 }],
  pages: ['manySteps', { steps: 1_300 }],
  limit: ['manySteps', { steps: 3_001 }],
  fan: ['fan', { items: [1, 2, 3, 4, 5] }],
} as const
const ends = new Map<string, Promise<object>>()
beforeAll(() => {
  for (const [name, [handler, event]] of Object.entries(events))
    ends.set(name, running.cloud.invoke(handler, { ...event, file: folder.file(name) }))
})

describe('a child context', () => {
  test('that has ended is replayed from its result without its operations', async () => {
    await expect(ends.get('small')).resolves.toEqual({ result: { sum: 3 } })
    expect(notes('small')).toEqual(['', 'small,pause'])
  })

  test('with a result of more than 256 KB is rebuilt from its steps without running them again', async () => {
    await expect(ends.get('big')).resolves.toEqual({ result: { length: 400_000, ends: 'xy' } })
    expect(notes('big')).toEqual(['half', 'other'])
  })

  test('appears in the history as the parent of its steps', async () => {
    await ends.get('small')
    const events = latestEvents(running, 'smallChild')
    const context = events.find(({ EventType }) => EventType === 'ContextStarted')
    const ended = events.find(({ EventType }) => EventType === 'ContextSucceeded')
    expect(context).toMatchObject({ Name: 'small', SubType: 'RunInChildContext' })
    expect(ended).toMatchObject({ Id: context?.Id, ContextSucceededDetails: { Result: { Payload: '3' } } })
    const children = events.filter(({ ParentId }) => ParentId === context?.Id)
    expect(children.map(({ Name }) => Name)).toEqual(['one', 'one', 'two', 'two'])
  })
})

describe('more than 1,000 operations', () => {
  test('are sent to the function in pages', async () => {
    await expect(ends.get('pages')).resolves.toEqual({ result: { sum: (1_299 * 1_300) / 2 } })
    expect(notes('pages')).toEqual(['after'])
  })

  test('fail the execution above 3,000', async () => {
    await expect(ends.get('limit')).resolves.toMatchObject({
      error: { errorMessage: expect.stringContaining('maximum number of operations: 3000') },
    })
  })
})

test('map and parallel run their branches and join them', async () => {
  await expect(ends.get('fan')).resolves.toEqual({
    result: { squares: [1, 4, 9, 16, 25], branches: ['left', 'right'] },
  })
})
