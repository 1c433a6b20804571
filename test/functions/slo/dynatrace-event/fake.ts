import { play, type WriteRow } from '../../../conformance/row.ts'
import { startDynatrace } from '../../../platforms/dynatrace/server.ts'

export const writeRow = {
  action: 'push-report',
  writes: /^POST .*\/ingest$/,
  start: play(startDynatrace, ({ url: baseUrl, token }) => ({ connection: { baseUrl, token } })),
} satisfies WriteRow
