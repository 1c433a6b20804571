import { startWith, type WriteRow } from '../../../conformance/row.ts'
import { startDynatrace } from '../../../platforms/dynatrace/server.ts'

export const writeRow = {
  action: 'push-report',
  writes: /^POST .*\/ingest$/,
  start: startWith(startDynatrace, ({ url: baseUrl, token }) => ({ connection: { baseUrl, token } })),
} satisfies WriteRow
