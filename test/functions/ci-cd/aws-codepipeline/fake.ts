import { type JobRow, stages, startWith, stopsWhenAsked } from '../../../conformance/row.ts'
import { startCodePipeline } from './server.ts'

export const jobRow = {
  starts: /^StartPipelineExecution$/,
  start: startWith(startCodePipeline, ({ url: endpoint, state, act, end }) => {
    return {
      connection: { endpoint, region: 'eu-west-1' },
      input: { target: 'shop-delivery' },
      runs: () => state.executions.length,
      id: () => `shop-delivery#${state.executions.at(-1)?.pipelineExecutionId}`,
      ...stages(end, undefined, 'Succeeded'),
      end() {
        act('Deploy/Shop', 'Succeeded')
        end('Succeeded')
      },
      finishStop: stopsWhenAsked(end, () => state.executions.at(-1)?.status, 'Stopping', 'Stopped'),
    }
  }),
} satisfies JobRow
