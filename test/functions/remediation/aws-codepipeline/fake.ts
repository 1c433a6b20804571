import { type JobRow, stages, startWith, stopsWhenAsked } from '../../../conformance/row.ts'
import { startCodePipeline } from '../../ci-cd/aws-codepipeline/server.ts'

export const jobRow = {
  action: 'rollback',
  starts: /^RollbackStage$/,
  start: startWith(startCodePipeline, ({ url: endpoint, state, deploy, act, pass, end }) => {
    const enter = (status: string) => {
      pass('Deploy', status)
      end(status)
    }
    for (let deployments = 0; deployments < 3; deployments++) deploy('Succeeded')
    const rollbacks = () => state.executions.filter(({ executionType }) => executionType === 'ROLLBACK')
    const newest = () => rollbacks().at(-1)
    return {
      connection: { endpoint, region: 'eu-west-1' },
      input: { target: 'shop-delivery', parameters: { stage: 'Deploy' } },
      runs: () => rollbacks().length,
      id: () => `shop-delivery#${newest()?.pipelineExecutionId}`,
      ...stages(enter, undefined, 'Succeeded'),
      end() {
        act('Deploy/Shop', 'Succeeded')
        enter('Succeeded')
      },
      finishStop: stopsWhenAsked(enter, () => newest()?.status, 'Stopping', 'Stopped'),
    }
  }),
} satisfies JobRow
