import { startSsm } from '../../platforms/aws-ssm.ts'
import { incident, restartApache, startPagerDutyAutomation } from '../../platforms/pagerduty-automation.ts'
import { restart, startRundeck } from '../../platforms/rundeck/server.ts'
import { play } from '../platform.ts'
import { type JobPlatform, stages } from './platform.ts'

export const incidentPlatforms = {
  rundeck: {
    known: 'look-up',
    starts: /^POST .*\/(?:run|executions)$/,
    start: play(startRundeck, ({ url: baseUrl, token, state, set }) => {
      const newest = () => state.executions.at(-1)
      const enter = (status: string) => set(newest()?.id ?? 0, status)
      return {
        connection: { baseUrl, token, project: 'shop', keyOption: 'key' },
        input: { target: restart },
        runs: () => state.executions.length,
        id: () => String(newest()?.id),
        hasStarted: () => set(newest()?.id ?? 0, 'running', { polls: 99 }),
        enter,
        end: () => enter('succeeded'),
        hasStopped() {
          if (newest()?.abortedby) enter('aborted')
          return newest()?.status === 'aborted'
        },
      }
    }),
  },
  'aws-ssm-automation': {
    known: 'token',
    starts: /^StartAutomationExecution$/,
    start: play(startSsm, ({ url: endpoint, state }) => {
      const newest = () => state.executions.at(-1)
      const enter = (status: string) => void Object.assign(newest() ?? {}, { AutomationExecutionStatus: status })
      return {
        connection: { endpoint, region: 'eu-west-1' },
        input: { target: 'Restart-Checkout' },
        runs: () => state.executions.length,
        id: () => newest()?.AutomationExecutionId ?? '',
        ...stages(enter, 'InProgress', 'Success'),
        hasStopped: () => newest()?.AutomationExecutionStatus === 'Cancelled',
      }
    }),
  },
  'pagerduty-automation': {
    known: 'neither',
    starts: /^POST .*\/invocations$/,
    start: play(startPagerDutyAutomation, ({ url: baseUrl, token, state }) => {
      const newest = () => state.invocations.at(-1)
      const enter = (name: string) => void Object.assign(newest() ?? {}, { state: name })
      return {
        connection: { baseUrl, token },
        input: { target: restartApache, parameters: { incident_id: incident } },
        runs: () => state.invocations.length,
        id: () => newest()?.id ?? '',
        ...stages(enter, 'running', 'completed'),
        hasStopped: () => false,
      }
    }),
  },
} satisfies Record<string, JobPlatform>
