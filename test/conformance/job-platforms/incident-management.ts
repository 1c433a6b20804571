import { startSsm } from '../../../infra/platforms/aws-ssm.ts'
import { incident, restartApache, startPagerDutyAutomation } from '../../../infra/platforms/pagerduty-automation.ts'
import { restart, startRundeck } from '../../../infra/platforms/rundeck/server.ts'
import type { JobPlatform } from './platform.ts'

export const incidentPlatforms = {
  rundeck: {
    known: 'look-up',
    starts: /^POST .*\/(?:run|executions)$/,
    async start() {
      const server = await startRundeck()
      const { url: baseUrl, token, state, set } = server
      const newest = () => state.executions.at(-1)
      const enter = (status: string) => set(newest()?.id ?? 0, status)
      return {
        server,
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
    },
  },
  'aws-ssm-automation': {
    known: 'token',
    starts: /^StartAutomationExecution$/,
    async start() {
      const server = await startSsm()
      const { url: endpoint, state } = server
      const newest = () => state.executions.at(-1)
      const enter = (status: string) => void Object.assign(newest() ?? {}, { AutomationExecutionStatus: status })
      return {
        server,
        connection: { endpoint, region: 'eu-west-1' },
        input: { target: 'Restart-Checkout' },
        runs: () => state.executions.length,
        id: () => newest()?.AutomationExecutionId ?? '',
        hasStarted: () => enter('InProgress'),
        enter,
        end: () => enter('Success'),
        hasStopped: () => newest()?.AutomationExecutionStatus === 'Cancelled',
      }
    },
  },
  'pagerduty-automation': {
    known: 'neither',
    starts: /^POST .*\/invocations$/,
    async start() {
      const server = await startPagerDutyAutomation()
      const { url: baseUrl, token, state } = server
      const newest = () => state.invocations.at(-1)
      const enter = (name: string) => void Object.assign(newest() ?? {}, { state: name })
      return {
        server,
        connection: { baseUrl, token },
        input: { target: restartApache, parameters: { incident_id: incident } },
        runs: () => state.invocations.length,
        id: () => newest()?.id ?? '',
        hasStarted: () => enter('running'),
        enter,
        end: () => enter('completed'),
        hasStopped: () => false,
      }
    },
  },
} satisfies Record<string, JobPlatform>
