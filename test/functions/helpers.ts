import { afterEach, beforeEach, expect } from '@jest/globals'
import type { Failure } from '../../shared/errors.ts'
import { failureOf } from './client.ts'

// Programs outside jest import this module directly.
export * from './client.ts'

/** Starts a server before each test and closes it after. Returns the server of the current test. */
export function startEach<S extends { close(): Promise<void> }>(start: () => Promise<S>): S {
  let current: S | undefined
  beforeEach(async () => {
    current = await start()
  })
  afterEach(() => current?.close())
  const running = (): S => {
    if (!current) throw new Error('The server starts before the first test.')
    return current
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
