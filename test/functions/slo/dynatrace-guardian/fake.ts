import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { startWith, type WriteRow } from '../../../conformance/row.ts'
import { startEnvironment } from '../../../platforms/dynatrace/environment-server.ts'

export const writeRow = {
  action: 'request-evaluation',
  writes: /^POST .*\/run$/,
  repeatable: 'a second run with the same qualifier is the first one',
  start: startWith(startEnvironment, ({ url: baseUrl }) => ({
    connection: { baseUrl, token: demo.dynatracePlatformToken, workflow: demo.workflows.guardian },
    input: { slo: 'Checkout', start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' },
  })),
} satisfies WriteRow
