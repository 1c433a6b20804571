import { startWith, type WriteRow } from '../../../conformance/row.ts'
import { apiKey, applicationKey, startDatadog } from '../../../platforms/datadog.ts'

export const writeRow = {
  action: 'push-report',
  writes: /^POST /,
  start: startWith(startDatadog, ({ url: baseUrl }) => ({ connection: { baseUrl, apiKey, applicationKey } })),
} satisfies WriteRow
