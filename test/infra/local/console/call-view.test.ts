import { expect, it } from '@jest/globals'
import { detailOf } from '../../../../infra/local/console/call-view.ts'

it('shows the log lines of all functions in the order of their times', () => {
  const log = [3, 1, 2].map((at) => ({ at, level: 'INFO', message: `line ${at}` }))
  const record = { id: 'call', at: 0, requests: [], outgoing: [], droppedCalls: 0, log }
  const cloud = { execution: () => undefined, operations: () => [], newestEvents: () => [] }
  const seen = detailOf(record, { cloud, providerOf: () => '', engineOf: () => '' }, [])
  expect(seen.log.map(({ message }) => message)).toEqual(['line 1', 'line 2', 'line 3'])
})
