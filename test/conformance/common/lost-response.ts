import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from '@jest/globals'
import {
  type Call,
  EXCHANGES,
  type Exchange,
  requestLine,
  type Served,
} from '../../../infra/testing/loopback-server.ts'
import { failureOf } from '../../functions/helpers.ts'
import { ignoreFailure } from './ids.ts'
import { isNotToken } from './requests.ts'

/**
 * Runs an action whose write is carried out and gets no response.
 *
 * @returns the exchanges before the write, when the platform had nothing of this call
 */
export async function loseResponse(
  server: Served,
  isWrite: (call: Call) => boolean,
  run: () => Promise<unknown>,
): Promise<Exchange[]> {
  const before: Exchange[] = []
  const note = (exchange: unknown) => void before.push(exchange as Exchange)
  subscribe(EXCHANGES, note)
  server.loseNext(isWrite)
  await failureOf(run())
  unsubscribe(EXCHANGES, note)
  return before.filter(({ call }) => isNotToken(call))
}

/** Responds to the next requests as before the write. */
export function respondAsBefore(server: Served, before: readonly Exchange[]): void {
  for (const { call, reply } of before)
    server.failNext(reply.status, reply.body, { on: (other) => requestLine(other) === requestLine(call) })
}

/** Retries an action once for each of its requests before the write, with another body of the response. */
export async function retryWithBody(
  server: Served,
  before: readonly Exchange[],
  body: string,
  retry: () => Promise<unknown>,
): Promise<void> {
  const replaced: number[] = []
  for (const line of new Set(before.map(({ call }) => requestLine(call)))) {
    const statuses = server.replaceNext((call) => requestLine(call) === line, body)
    await retry().catch(ignoreFailure)
    replaced.push(...statuses)
  }
  expect(replaced).not.toEqual([])
}
