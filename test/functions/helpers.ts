import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals'
import type { Failure } from '../../shared/errors.ts'
import { clearSecrets } from '../../shared/redact.ts'
import { failureOf } from './client.ts'

// Programs outside jest import this module directly.
export * from './client.ts'

/** The times in the results of every run that has ended. */
export const times = { start: expect.any(String), end: expect.any(String) }

/** The pauses of the code under test in the current test, in milliseconds. */
export const pauses: number[] = []

/** Much longer than the timeouts of the code under test. */
const MAX_OPERATION_MS = 30_000

let skipping = 0

/** Lets the pauses of the code under test end at once, until the last test of the group. */
export function skipPauses(): void {
  const { setTimeout } = timers
  const use = (pause: typeof setTimeout) => {
    Object.assign(timers, { setTimeout: pause })
    syncBuiltinESMExports()
  }
  beforeAll(() => {
    if (skipping++ === 0) use(skip)
  })
  beforeEach(() => void pauses.splice(0))
  afterAll(() => {
    if (--skipping === 0) use(setTimeout)
  })
}

const skip: typeof timers.setTimeout = async (milliseconds = 0, value, { signal } = {}) => {
  signal?.throwIfAborted()
  pauses.push(milliseconds)
  return value as never
}

/**
 * Sends a request that gets no response, and lets its timeout pass as soon as it has arrived.
 *
 * @returns the failure, and the milliseconds of the timeout
 */
export async function timeOut(send: () => Promise<unknown>, hasArrived: () => boolean) {
  const { setTimeout } = globalThis
  const { timeout } = AbortSignal
  const passed = new AbortController()
  let last = Number.POSITIVE_INFINITY
  const hold = (run: () => void, milliseconds: number) => {
    last = milliseconds
    passed.signal.addEventListener('abort', run)
  }
  Object.assign(globalThis, { setTimeout: hold })
  AbortSignal.timeout = (milliseconds) => {
    last = milliseconds
    return passed.signal
  }
  const failing = failureOf(send())
  while (!hasArrived()) await new Promise(setImmediate)
  Object.assign(globalThis, { setTimeout })
  Object.assign(AbortSignal, { timeout })
  passed.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  return { failure: await failing, milliseconds: last }
}

/**
 * Returns the result of an operation that has a timeout of its own.
 *
 * @throws Error if its timeout does not end it, long before Jest ends the test
 */
export async function endsInTime<T>(operation: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The timeout has not ended the operation.')), MAX_OPERATION_MS)
  })
  try {
    return await Promise.race([operation, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Starts a server before each test and closes it after, and skips pauses. Returns the server of the current test. */
export function startEach<S extends { close(): Promise<void> }>(start: () => Promise<S>): S {
  skipPauses()
  let running: S | undefined
  beforeEach(async () => {
    // Each invocation does this, too. Otherwise, every text is compared with the secrets of all tests before.
    clearSecrets()
    running = await start()
  })
  afterEach(() => running?.close())
  return current(() => running)
}

/** Starts a server before the first test and closes it after the last. Returns the server. */
export function startOnce<S extends { close(): Promise<void> }>(start: () => Promise<S>): S {
  let running: S | undefined
  beforeAll(async () => {
    running = await start()
  })
  afterAll(() => running?.close())
  return current(() => running)
}

/** Returns an object that stands for the current server. */
function current<S extends object>(get: () => S | undefined): S {
  const running = (): S => {
    const server = get()
    if (!server) throw new Error('The server starts before the first test.')
    return server
  }
  return new Proxy({} as S, {
    get: (_, name) => Reflect.get(running(), name),
    set: (_, name, value) => Reflect.set(running(), name, value),
  })
}

/** Expects a failure of a kind, or with other members, whose message contains all words. */
export async function expectFailure(
  promise: Promise<unknown>,
  expected: Failure['kind'] | object,
  ...words: string[]
): Promise<void> {
  const failure = await failureOf(promise)
  expect(failure).toMatchObject(typeof expected === 'string' ? { kind: expected } : expected)
  for (const text of words) expect(failure.message).toContain(text)
}
