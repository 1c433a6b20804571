import { describe, expect, test } from '@jest/globals'
import { durable, folder, latestEvents, lines, startBefore } from './harness.ts'

const running = startBefore(() => ({ functions: durable(['smallChild', 'bigChild', 'manySteps', 'fan']) }))

const run = (name: string, event: unknown) => running.cloud.invoke(name, event)

describe('a child context', () => {
  test('that has ended is replayed from its result without its operations', async () => {
    const file = folder.file('small')
    await expect(run('smallChild', { file })).resolves.toEqual({ result: { sum: 3 } })
    expect(lines(file)).toEqual(['', 'small,pause'])
  })

  test('with a result of more than 256 KB is rebuilt from its steps without running them again', async () => {
    const file = folder.file('big')
    await expect(run('bigChild', { file, bytes: 400_000 })).resolves.toEqual({
      result: { length: 400_000, ends: 'xy' },
    })
    expect(lines(file)).toEqual(['half', 'other'])
  })

  test('appears in the history as the parent of its steps', async () => {
    await run('smallChild', { file: folder.file('history') })
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
    const file = folder.file('pages')
    await expect(run('manySteps', { steps: 1_300, file })).resolves.toEqual({ result: { sum: (1_299 * 1_300) / 2 } })
    expect(lines(file)).toEqual(['after'])
  })

  test('fail the execution above 3,000', async () => {
    await expect(run('manySteps', { steps: 3_001, file: folder.file('limit') })).resolves.toMatchObject({
      error: { errorMessage: expect.stringContaining('maximum number of operations: 3000') },
    })
  })
})

describe('map and parallel', () => {
  test('run their branches and join them', async () => {
    await expect(run('fan', { items: [1, 2, 3, 4, 5] })).resolves.toEqual({
      result: { squares: [1, 4, 9, 16, 25], branches: ['left', 'right'] },
    })
  })
})
