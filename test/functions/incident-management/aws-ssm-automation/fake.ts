import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'
import { startSsm } from '../../../platforms/aws-ssm.ts'

export const jobRow = {
  starts: /^StartAutomationExecution$/,
  start: startWith(startSsm, ({ url: endpoint, state }) => {
    const enter = (status: string) =>
      void Object.assign(state.executions.at(-1) ?? {}, { AutomationExecutionStatus: status })
    return {
      connection: { endpoint, region: 'eu-west-1' },
      input: { target: 'Restart-Checkout' },
      ...runsIn(() =>
        state.executions.map((run) => [run.AutomationExecutionId, run.AutomationExecutionStatus === 'Cancelled']),
      ),
      ...stages(enter, 'InProgress', 'Success'),
      end: () =>
        void Object.assign(newestOf(state.executions), {
          AutomationExecutionStatus: 'Success',
          ExecutionEndTime: 1_764_000_090,
        }),
    }
  }),
} satisfies JobRow
