import { type JobRow, stages, startWith } from '../../../conformance/row.ts'
import { startKubernetes } from '../../../platforms/kubernetes.ts'

export const jobRow = {
  stoppedAtStart: 'forgotten',
  starts: /^POST .*\/jobs$/,
  start: startWith(startKubernetes, ({ url: baseUrl, token, state, enterJob }) => ({
    connection: { baseUrl, token, namespace: 'shop', images: ['ghcr.io/acme/smoke:*'] },
    input: { target: 'ghcr.io/acme/smoke:1.4.2' },
    runs: () => state.created,
    id: () => state.jobs.at(-1)?.metadata.name ?? '',
    ...stages(enterJob, 'Running', 'Complete'),
    finishStop: () => state.jobs.length < state.created,
  })),
} satisfies JobRow
