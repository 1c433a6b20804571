import { beforeAll, describe, expect, test } from '@jest/globals'
import { buildHandlers, durable, lines, plain, type Started, start, temporaryFolder } from './harness.ts'

const folder = temporaryFolder()
let running: Started

beforeAll(async () => {
  const file = buildHandlers(folder.path)
  running = await start({
    state: folder.file('state'),
    functions: [
      ...durable(file, ['smallChild', 'bigChild', 'manySteps', 'fan', 'caller', 'greet', 'failing']),
      ...plain(file, ['plain', 'throws']),
    ],
  })
})

const run = (name: string, event: unknown) => running.cloud.invoke(name, event)

function newestEvents(functionName: string) {
  const [newest] = running.cloud.executions({ functionName, limit: 1 })
  return running.cloud.history(newest?.arn ?? '')
}

describe('a child context', () => {
  test('that has ended is replayed from its result: its operations are not given again', async () => {
    const file = folder.file('small')
    await expect(run('smallChild', { file })).resolves.toEqual({ result: { sum: 3 } })
    expect(lines(file)).toEqual(['', 'small,pause'])
  })

  test('with a result over 256 KB is rebuilt from its steps, which do not run again', async () => {
    const file = folder.file('big')
    await expect(run('bigChild', { file, bytes: 400_000 })).resolves.toEqual({
      result: { length: 400_000, ends: 'xy' },
    })
    expect(lines(file)).toEqual(['half', 'other'])
  })

  test('is in the history with its steps below it', async () => {
    await run('smallChild', { file: folder.file('history') })
    const events = newestEvents('smallChild')
    const context = events.find(({ EventType }) => EventType === 'ContextStarted')
    const ended = events.find(({ EventType }) => EventType === 'ContextSucceeded')
    expect(context).toMatchObject({ Name: 'small', SubType: 'RunInChildContext' })
    expect(ended).toMatchObject({ Id: context?.Id, ContextSucceededDetails: { Result: { Payload: '3' } } })
    const below = events.filter(({ ParentId }) => ParentId === context?.Id)
    expect(below.map(({ Name }) => Name)).toEqual(['one', 'one', 'two', 'two'])
  })
})

describe('more than 1,000 operations', () => {
  test('reach the function page by page', async () => {
    const file = folder.file('pages')
    await expect(run('manySteps', { steps: 1_300, file })).resolves.toEqual({ result: { sum: (1_299 * 1_300) / 2 } })
    expect(lines(file)).toEqual(['after'])
  })

  test('end the execution when they are over 3,000', async () => {
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

describe('an invoke of another function', () => {
  test('waits for the end of a durable one', async () => {
    await expect(run('caller', { target: 'greet:live', payload: { name: 'Bob' } })).resolves.toEqual({
      result: { result: { greeting: 'Hello Bob' } },
    })
    const [child] = running.cloud.executions({ functionName: 'greet', limit: 1 })
    const invoke = newestEvents('caller').filter(({ EventType }) => EventType.startsWith('ChainedInvoke'))
    expect(invoke).toMatchObject([
      {
        EventType: 'ChainedInvokeStarted',
        ChainedInvokeStartedDetails: {
          FunctionName: 'greet:live',
          Input: { Payload: '{"name":"Bob"}' },
          DurableExecutionArn: child?.arn,
        },
      },
      { EventType: 'ChainedInvokeSucceeded' },
    ])
  })

  test('gets the answer of a plain one', async () => {
    const { result } = await run('caller', { target: running.cloud.functionArn('plain'), payload: { a: 1 } })
    expect(result).toMatchObject({ result: { event: { a: 1 }, functionName: 'plain' } })
  })

  test.each([
    ['a durable one that fails', 'failing', 'out of range'],
    ['a plain one that throws', 'throws', 'plainly wrong'],
    ['one that does not exist', 'nobody', 'Function not found: nobody'],
  ])('throws for %s', async (_what, target, message) => {
    await expect(run('caller', { target, payload: {} })).resolves.toEqual({
      result: { error: 'InvokeError', message },
    })
  })
})
