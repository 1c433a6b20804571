import { startArgoCd } from '../../platforms/argo-cd.ts'
import { startCodePipeline } from '../../platforms/aws-codepipeline.ts'
import { startAwx } from '../../platforms/awx.ts'
import { restart } from '../../platforms/awx-templates.ts'
import { startKubernetesDeployments } from '../../platforms/kubernetes-deployments.ts'
import { startStackStorm } from '../../platforms/stackstorm.ts'
import { play } from '../platform.ts'
import { type JobPlatform, stages, stopsWhenAsked } from './platform.ts'

export const remediationPlatforms = {
  awx: awx('job', String(restart.id)),
  stackstorm: {
    known: 'look-up',
    starts: /^POST .*\/executions$/,
    start: play(startStackStorm, ({ url: baseUrl, token, state }) => {
      const enter = (status: string) => void Object.assign(state.executions.at(-1) ?? {}, { status })
      const statusOf = () => state.executions.at(-1)?.status
      return {
        connection: { baseUrl, token },
        input: { target: 'shop.restart' },
        runs: () => state.executions.length,
        id: () => state.executions.at(-1)?.id ?? '',
        ...stages(enter, 'running', 'succeeded'),
        hasStopped: stopsWhenAsked(enter, () => statusOf(), 'canceling', 'canceled'),
      }
    }),
  },
  kubernetes: {
    known: 'token',
    starts: /^PATCH .*\/deployments\/checkout$/,
    start: play(startKubernetesDeployments, ({ url: baseUrl, token, state, enter }) => ({
      connection: { baseUrl, token, namespace: 'shop', targets: ['*'] },
      input: { target: 'restart/checkout' },
      runs: () => state.rollouts,
      id: () => 'restart/checkout',
      ...stages(enter, 'Progressing', 'Complete'),
      hasStopped: () => false,
    })),
  },
  'argo-cd': {
    known: 'neither',
    stopsLate: true,
    refusesLateStop: true,
    starts: /^POST .*\/rollback$/,
    start: play(startArgoCd, (server) => {
      const { url: baseUrl, token, application, startOperation, finish, reconcile, deploy } = server
      for (const digit of ['a', 'b', 'c']) deploy(digit.repeat(40))
      const enter = (name: string) => {
        const [phase = '', health, sync] = name.split('/')
        startOperation()
        finish(phase, `It has ${phase}`)
        if (health) reconcile(health, sync)
      }
      return {
        connection: { baseUrl, token },
        input: { target: 'guestbook', project: 'shop' },
        runs: () => server.state.started,
        id: () => 'guestbook#rollback-1',
        hasStarted: startOperation,
        enter,
        end: () => enter('Succeeded/Healthy/Synced'),
        hasStopped() {
          if (application().status.operationState?.phase !== 'Terminating') return false
          finish('Failed', 'Operation terminated')
          return true
        },
      }
    }),
  },
  'aws-codepipeline': {
    known: 'neither',
    starts: /^RollbackStage$/,
    start: play(startCodePipeline, (server) => {
      const { url: endpoint, state } = server
      const enter = (status: string) => {
        server.pass('Deploy', status)
        server.end(status)
      }
      for (let deployments = 0; deployments < 3; deployments++) server.deploy('Succeeded')
      const rollbacks = () => state.executions.filter(({ executionType }) => executionType === 'ROLLBACK')
      const newest = () => rollbacks().at(-1)
      return {
        connection: { endpoint, region: 'eu-west-1' },
        input: { target: 'shop-delivery', parameters: { stage: 'Deploy' } },
        runs: () => rollbacks().length,
        id: () => `shop-delivery#${newest()?.pipelineExecutionId}`,
        ...stages(enter, undefined, 'Succeeded'),
        hasStopped: stopsWhenAsked(enter, () => newest()?.status, 'Stopping', 'Stopped'),
      }
    }),
  },
} satisfies Record<string, JobPlatform>

/** A job of AWX is also a workflow of several jobs. */
export const awxWorkflows = awx('workflow', 'workflow/20')

function awx(kind: 'job' | 'workflow', target: string) {
  return {
    known: 'look-up',
    starts: /^POST .*\/launch\/$/,
    start: play(startAwx, ({ url: baseUrl, token, state, finish }) => {
      const enter = (status: string) => void Object.assign(state.runs.at(-1) ?? {}, { status })
      return {
        connection: { baseUrl, token },
        input: { target },
        runs: () => state.runs.length,
        id: () => `${kind}/${state.runs.at(-1)?.id}`,
        hasStarted: () => enter('running'),
        enter,
        end: () => finish('successful'),
        hasStopped: () => state.runs.at(-1)?.status === 'canceled',
      }
    }),
  } satisfies JobPlatform
}
