import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXCHANGES, type Exchange } from '../../infra/testing/loopback-server.ts'
import { RECORDED_TESTS, type RecordedExchange, testName } from '../contract/recording.ts'

/**
 * Saves the exchanges of the fake platforms for `npm run test:contracts`, if the variable RECORDED_EXCHANGES names a folder.
 *
 * @returns a function that stops
 */
export function recordExchanges(testPath: string): () => void {
  const folder = process.env['RECORDED_EXCHANGES']
  const test = testName(testPath)
  if (!folder || !RECORDED_TESTS.some((tests) => test.startsWith(tests))) return () => {}
  const file = join(folder, `${test.replaceAll('/', '-')}.jsonl`)
  const lines = new Set<string>()
  const record = (message: unknown) => {
    const { call, reply, isInjected } = message as Exchange
    const { method, encodedPath: path, query, headers, text: body } = call
    const { status, body: response } = reply
    const exchange = { test, method, path, query: String(query), headers, body, status, response, isInjected }
    lines.add(JSON.stringify(exchange satisfies RecordedExchange))
  }
  subscribe(EXCHANGES, record)
  return () => {
    unsubscribe(EXCHANGES, record)
    if (lines.size > 0) appendFileSync(file, `${[...lines].join('\n')}\n`)
  }
}
