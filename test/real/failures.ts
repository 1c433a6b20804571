import assert from 'node:assert/strict'
import type { FailureKind } from '../../shared/errors.ts'
import { failureOf } from '../functions/client.ts'

/** Asserts that an action fails, unless stated otherwise because the program refuses it. */
export async function fails(action: unknown, words: RegExp, expected: FailureKind = 'refused'): Promise<void> {
  const { kind, message } = await failureOf(Promise.resolve(action))
  assert.equal(kind, expected, message)
  assert.match(message, words)
}
