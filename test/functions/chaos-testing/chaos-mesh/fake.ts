import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'
import { startChaosMesh } from './server.ts'

const delay = { action: 'delay', mode: 'all', selector: {}, delay: { latency: '200ms' } }
const entry = { name: 'slow', templateType: 'NetworkChaos', deadline: '5m', networkChaos: delay }

export const jobRow = {
  ...rowOf('NetworkChaos', { ...delay, duration: '5m' }),
  ownTimes: 'an experiment has no time of its end',
} satisfies JobRow
export const chaosMeshWorkflow = rowOf('Workflow', { entry: 'slow', templates: [entry] })

function rowOf(kind: 'NetworkChaos' | 'Workflow', spec: object) {
  return {
    starts: /^POST /,
    start: startWith(startChaosMesh, ({ url: baseUrl, token, state, newest, addEvent, remove }) => {
      const it = { apiVersion: 'chaos-mesh.org/v1alpha1', kind, metadata: { namespace: 'shop' }, spec }
      const enter = (status: string) => {
        if (status === 'deleted') return remove(newest())
        Object.assign(newest(), { status })
        if (status === 'finished') Object.assign(newest(), { endTime: new Date().toISOString() })
        addEvent('Applied', 'Successfully apply chaos for shop/checkout-0')
      }
      return {
        connection: { baseUrl, token, allow: ['shop'], templates: { it } },
        input: { target: 'it' },
        ...runsIn(() => state.records.map((run) => [`${kind}/shop/${run.uid}`, run.archived === true])),
        ...stages(enter, 'running', 'finished'),
      }
    }),
  } satisfies JobRow
}
