// The functions of the tests. esbuild bundles them like those of dist/, and the local cloud runs them in threads.
import { appendFileSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createRetryStrategy,
  createWaitStrategy,
  DurableExecutionApiClient,
  DurableExecutionInvocationInputWithClient,
  type DurableLambdaHandler,
  InvocationStatus,
  InvokeError,
  JitterStrategy,
  retryPresets,
  StepSemantics,
  withDurableExecution,
} from '@aws/durable-execution-sdk-js'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

/** Long enough to end the invocation on any machine: half a second on the scaled clock. */
const LONG_ENOUGH = { seconds: 10 }

/** Waits equally long between attempts. */
const every = (seconds: number) => ({ initialDelay: { seconds }, backoffRate: 1, jitter: JitterStrategy.NONE })
const everySecond = (maxAttempts: number) => createRetryStrategy({ maxAttempts, ...every(1) })

/** Appends a line to a file that survives this process. Returns how often the file contains the line. */
function note(file: string, line: string): number {
  appendFileSync(file, `${line}\n`)
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((other) => other === line).length
}

export const greet = withDurableExecution(async (event: { name: string }, context) => {
  const greeting = await context.step('greet', async () => `Hello ${event.name}`)
  return { greeting }
})

export const flaky = withDurableExecution(async (event: { failures: number; attempts: number }, context) => {
  const attempts = await context.step(
    'flaky',
    async ({ attempt }) => {
      if (attempt <= event.failures) throw new TypeError(`failure ${attempt}`)
      return attempt
    },
    { retryStrategy: everySecond(event.attempts) },
  )
  return { attempts }
})

/** Invokes another durable function, and catches its failure. */
export const invokes = withDurableExecution(async (event: { target: string; input: unknown }, context) => {
  try {
    return { result: await context.invoke('other', event.target, event.input) }
  } catch (error) {
    if (!(error instanceof InvokeError)) throw error
    return { error: error.message, data: error.errorData }
  }
})

export const waits = withDurableExecution(async (event: { seconds: number }, context) => {
  const before = await context.step('before', async () => Date.now())
  await context.wait('pause', { seconds: event.seconds })
  const after = await context.step('after', async () => Date.now())
  return { waitedMs: after - before }
})

export const poll = withDurableExecution(async (event: { polls: number; seconds?: number }, context) => {
  return context.waitForCondition('job', async (state: { polls: number }) => ({ polls: state.polls + 1 }), {
    initialState: { polls: 0 },
    waitStrategy: createWaitStrategy<{ polls: number }>({
      maxAttempts: 5000,
      ...every(event.seconds ?? 1),
      shouldContinuePolling: (state) => state.polls < event.polls,
    }),
  })
})

export const approval = withDurableExecution(async (event: { file?: string; timeout?: number }, context) => {
  try {
    const answer = await context.waitForCallback(
      'approval',
      async (id) => {
        if (event.file) note(event.file, id)
      },
      event.timeout ? { timeout: { seconds: event.timeout } } : {},
    )
    return { answer }
  } catch (error) {
    const { name, message } = error as Error
    return { error: name, message }
  }
})

export const bigChild = withDurableExecution(async (event: { bytes: number; file: string }, context) => {
  const text = await context.runInChildContext('big', async (child) => {
    const half = (name: string, letter: string) =>
      child.step(name, async () => {
        note(event.file, name)
        return letter.repeat(event.bytes / 2)
      })
    return (await half('half', 'x')) + (await half('other', 'y'))
  })
  await context.wait('pause', LONG_ENOUGH)
  return { length: text.length, ends: text[0] + (text.at(-1) ?? '') }
})

const small = withDurableExecution(async (_event: { file: string }, context) => {
  const sum = await context.runInChildContext('small', async (child) => {
    const one = await child.step('one', async () => 1)
    const two = await child.step('two', async () => 2)
    return one + two
  })
  await context.wait('pause', LONG_ENOUGH)
  return { sum }
})

/** Records the names of the operations that each invocation receives. */
export const smallChild: DurableLambdaHandler = async (event, context) => {
  const [execution, ...operations] = event.InitialExecutionState.Operations
  const { file } = JSON.parse(execution?.ExecutionDetails?.InputPayload ?? '{}')
  note(file, operations.map(({ Name }) => Name).join())
  return small(event, context)
}

export const manySteps = withDurableExecution(async (event: { steps: number; file: string }, context) => {
  const numbers = Array.from({ length: event.steps }, (_, index) => index)
  const results = await Promise.all(numbers.map((index) => context.step(`step-${index}`, async () => index)))
  await context.wait('pause', LONG_ENOUGH)
  await context.step('after', async () => note(event.file, 'after'))
  return { sum: results.reduce((sum, result) => sum + result, 0) }
})

/** A few steps, a retry and a wait, as in a task. */
export const task = withDurableExecution(async (event: { id: number }, context) => {
  await context.step('started', async () => event.id)
  await context.step(
    'act',
    async ({ attempt }) => {
      if (attempt === 1) throw new Error('not yet')
    },
    { retryStrategy: everySecond(3) },
  )
  await context.wait('pause', { seconds: 1 })
  return context.step('finished', async () => event.id)
})

export const fan = withDurableExecution(async (event: { items: number[] }, context) => {
  const squares = await context.map('squares', event.items, async (child, item) => {
    await child.wait('pause', { seconds: 1 })
    return child.step('square', async () => item * item)
  })
  const branches = await context.parallel('branches', [
    async (child) => child.step('left', async () => 'left'),
    async (child) => {
      await child.wait('later', { seconds: 1 })
      return child.step('right', async () => 'right')
    },
  ])
  return { squares: squares.getResults(), branches: branches.getResults() }
})

export const failing = withDurableExecution(async (_event: unknown, context) => {
  await context.step('fails', async () => Promise.reject(new RangeError('out of range')), {
    retryStrategy: retryPresets.noRetry,
  })
})

/** Blocks inside a step the first time, so that the test can kill the process there. */
export const interrupted = withDurableExecution(async (event: { file: string; atMostOnce: boolean }, context) => {
  await context.step('before', async () => note(event.file, 'before'))
  try {
    await context.step(
      'body',
      async () => {
        if (note(event.file, 'body') === 1) await sleep(60_000)
      },
      event.atMostOnce
        ? { semantics: StepSemantics.AtMostOncePerRetry, retryStrategy: retryPresets.noRetry }
        : { retryStrategy: retryPresets.noRetry },
    )
  } catch (error) {
    return { error: ((error as Error).cause as Error | undefined)?.name }
  }
  return { done: true }
})

/** Breaks its environment in the requested way the first time. */
export const breaks = withDurableExecution(async (event: { how: string; file: string }, context) => {
  await context.step('before', async () => note(event.file, 'before'))
  const runs = await context.step('count', async () => 1)
  await breakDown(event.how, event.file)
  return { runs }
})

async function breakDown(how: string, file: string): Promise<void> {
  if (note(file, how) > 1) return
  if (how === 'exit') process.exit(3)
  if (how === 'uncaught')
    setTimeout(() => {
      throw new Error('uncaught error')
    }, 1)
  if (how === 'memory') for (const hoard: unknown[] = []; ; ) hoard.push(new Array(1_000_000).fill(how))
  await sleep(60_000)
}

/** Blocks, so that only the timeout ends the execution. */
export const hangs = withDurableExecution(async () => sleep(60_000))

export const plain = async (
  event: unknown,
  context: {
    functionName: string
    awsRequestId: string
    invokedFunctionArn: string
    getRemainingTimeInMillis(): number
  },
) => {
  console.log('plain was called')
  console.error('plain logged an error')
  return {
    event,
    functionName: context.functionName,
    arn: context.invokedFunctionArn,
    remaining: context.getRemainingTimeInMillis(),
    environment: process.env,
  }
}

export const throws = async () => {
  throw new TypeError('plainly wrong')
}

export const exits = async () => process.exit(7)

export const slow = async () => sleep(60_000)

export const secret = async (event: { id: string }) => {
  const { SecretString } = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: event.id }))
  return { value: SecretString }
}

/** A request of the function `checkpoints`. */
export interface Checkpoint {
  Updates: object[]
  ClientToken?: string
  /** Number of the response with the token, or a token. Defaults to the newest token. */
  token?: number | string
  /** Reads the state of the execution instead. */
  isRead?: boolean
}

/**
 * Sends the checkpoints of its input one after the other, without the SDK for durable executions.
 *
 * @returns for each, whether it was accepted, or the error
 */
export const checkpoints: DurableLambdaHandler = async (event) => {
  const { DurableExecutionArn, InitialExecutionState } = event
  const api = new DurableExecutionApiClient()
  // AWS's test runner passes its own client.
  const client = DurableExecutionInvocationInputWithClient.isInstance(event) ? event.durableExecutionClient : api
  const { requests } = JSON.parse(InitialExecutionState.Operations[0]?.ExecutionDetails?.InputPayload ?? '{}')
  const tokens = [event.CheckpointToken]
  const results: string[] = []
  for (const { token = tokens.length - 1, isRead, ...request } of requests as Checkpoint[]) {
    const CheckpointToken = typeof token === 'string' ? token : tokens[token]
    const params = { DurableExecutionArn, CheckpointToken, ...request } as never
    try {
      if (isRead) await client.getExecutionState(params)
      else tokens.push((await client.checkpoint(params)).CheckpointToken ?? '')
      results.push('accepted')
    } catch (error) {
      const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode: number } }
      results.push(`${name} ${$metadata?.httpStatusCode}: ${message}`)
    }
  }
  return { Status: InvocationStatus.SUCCEEDED, Result: JSON.stringify(results) }
}

/** Uses another step name in each run. */
export const renamed = withDurableExecution(async (_event: unknown, context) => {
  await context.step(`step ${Math.random()}`, async () => undefined)
  await context.wait('pause', LONG_ENOUGH)
})

/** Returns PENDING although no operation is pending. */
export const pendingForNothing = async () => ({ Status: 'PENDING' })
