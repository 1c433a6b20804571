import { startFis } from '../../infra/platforms/aws-fis.ts'
import { startSageMaker } from '../../infra/platforms/aws-sagemaker.ts'
import { startStepFunctions } from '../../infra/platforms/aws-step-functions.ts'
import { restart, startAwx } from '../../infra/platforms/awx.ts'
import { startChaosMesh } from '../../infra/platforms/chaos-mesh.ts'
import { startDatabricks } from '../../infra/platforms/databricks/server.ts'
import { startGremlin } from '../../infra/platforms/gremlin.ts'
import { startLitmus } from '../../infra/platforms/litmus.ts'
import type { Served } from '../../infra/platforms/loopback-server.ts'
import { startStackStorm } from '../../infra/platforms/stackstorm.ts'
import { startSteadybit } from '../../infra/platforms/steadybit.ts'
import { toxiproxyServer } from '../../infra/platforms/toxiproxy/server.ts'
import { awsCredentials } from './service.ts'

/** A platform of jobs that is played, and what a test does with it. */
export interface PlayedJobs {
  server: Served
  /** The secret of the connection. */
  connection: Record<string, unknown>
  /** What a start sends. */
  input: Record<string, unknown>
  /** How many runs were started. */
  runs(): number
  /** What stop takes as `id` of the newest run. */
  id(): string
  /** The newest run has begun, and goes on until it is ended. */
  begin(): void
  /** Brings the newest run to an end: a good one, where the platform has none of its own. */
  end(): void
  /** Whether the newest run has stopped; one that was asked to does so now. */
  hasStopped(): boolean
  /** The method of the request that starts, or its operation of AWS; POST where left out. */
  startedBy?: string
  /** Answers what the next start asks first with the same method, which is that there is no run. */
  beforeStart?(): void
}

/** What differs from one platform of jobs to the other. */
export interface JobPlatform {
  category: 'chaos-testing' | 'optimization' | 'remediation'
  /** How a start is known whose answer was lost: the platform keeps two with one token apart, or shows the key, or neither. */
  known: 'token' | 'look-up' | 'neither'
  /** How the task ends when the run is ended, where that is no pass. */
  ends?: 'aborted'
  /** It can be stopped only once it has begun. */
  stopsLate?: true
  /** What a task that is not answered finds of a run that was stopped in the meantime: its end, unless something else is said. */
  stoppedAtStart?: 'in doubt'
  start(): Promise<PlayedJobs>
}

const region = 'eu-west-1'
// The servers that play AWS accept only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

/** Every platform of jobs of these categories that a test can play, by provider. */
export const jobPlatforms: Record<string, JobPlatform> = {
  'aws-fis': {
    category: 'chaos-testing',
    known: 'token',
    async start() {
      const server = await startFis()
      const { url: endpoint, state, newest, become } = server
      const [target = ''] = Object.keys(state.templates)
      return {
        server,
        connection: { region, endpoint, allow: [target] },
        input: { target },
        runs: () => state.experiments.length,
        id: () => newest().id,
        begin: () => become('running'),
        end: () => become('completed'),
        hasStopped() {
          if (newest().state.status === 'stopping') become('stopped')
          return newest().state.status === 'stopped'
        },
      }
    },
  },
  'chaos-mesh': {
    category: 'chaos-testing',
    known: 'token',
    async start() {
      const server = await startChaosMesh()
      const { url: baseUrl, token, state, newest, addEvent } = server
      const spec = { action: 'delay', mode: 'all', selector: {}, delay: { latency: '200ms' }, duration: '5m' }
      const head = { apiVersion: 'chaos-mesh.org/v1alpha1', metadata: { namespace: 'shop' } }
      const latency = { ...head, kind: 'NetworkChaos', spec }
      return {
        server,
        connection: { baseUrl, token, allow: ['shop'], templates: { latency } },
        input: { target: 'latency' },
        runs: () => state.records.length,
        id: () => `NetworkChaos/shop/${state.records.at(-1)?.uid}`,
        begin: () => void Object.assign(newest(), { status: 'running' }),
        end() {
          Object.assign(newest(), { status: 'finished' })
          addEvent('Applied', 'Successfully apply chaos for shop/checkout-0')
        },
        hasStopped: () => state.records.at(-1)?.archived === true,
      }
    },
  },
  gremlin: {
    category: 'chaos-testing',
    known: 'look-up',
    async start() {
      const server = await startGremlin()
      const { url: baseUrl, token, scenario: target, state, enter } = server
      return {
        server,
        connection: { baseUrl, token, allow: [target], project: state.team },
        input: { target },
        runs: () => state.runs.length,
        id: () => `${target}#${state.runs.at(-1)?.number}`,
        begin: () => enter('Running'),
        end: () => enter('Successful'),
        hasStopped: () => state.runs.at(-1)?.stage === 'Halted',
      }
    },
  },
  litmus: {
    category: 'chaos-testing',
    known: 'neither',
    stopsLate: true,
    stoppedAtStart: 'in doubt',
    async start() {
      const server = await startLitmus()
      const { url: baseUrl, token, project, state, take, enter } = server
      const target = 'a1b2'
      return {
        server,
        connection: { baseUrl, token, project, allow: [target] },
        input: { target },
        runs: () => state.runs.length,
        id: () => `${project}/${target}#${state.runs.at(-1)?.notifyID}`,
        begin: take,
        end: () => enter('Completed', { score: 100, faults: [{ name: 'pod-delete', verdict: 'Pass' }] }),
        hasStopped: () => state.runs.at(-1)?.phase === 'Stopped',
      }
    },
  },
  steadybit: {
    category: 'chaos-testing',
    known: 'look-up',
    // It shows whose an execution is once that has started.
    stoppedAtStart: 'in doubt',
    async start() {
      const server = await startSteadybit()
      const { url: baseUrl, token, state, enter } = server
      return {
        server,
        connection: { baseUrl, token, allow: ['SHOP-*'] },
        input: { target: 'SHOP-1' },
        runs: () => state.executions.length,
        id: () => String(state.executions.at(-1)?.id),
        begin: () => enter('RUNNING'),
        end: () => enter('COMPLETED'),
        hasStopped: () => state.executions.at(-1)?.state === 'CANCELED',
        beforeStart: () => server.failNext(200, { items: [], totalItems: 0, nextPage: null }, { on: 'POST' }),
      }
    },
  },
  toxiproxy: {
    category: 'chaos-testing',
    known: 'look-up',
    // It has no end of its own but that of its time, which is hours away: somebody removes it.
    ends: 'aborted',
    // Nothing is left of a toxic that was removed.
    stoppedAtStart: 'in doubt',
    async start() {
      const server = await toxiproxyServer()
      const { url: baseUrl, proxies } = server
      const target = 'checkout-db'
      const toxics = () => proxies.get(target)?.toxics ?? []
      const added = new Set<string>()
      const { save } = proxies
      proxies.save = (proxy) => {
        for (const { name } of proxy.toxics) added.add(name)
        save(proxy)
      }
      return {
        server,
        connection: { baseUrl, allow: [target], maxDuration: 'PT12H' },
        input: { target, parameters: { type: 'latency', attributes: { latency: 300 }, duration: 'PT8H' } },
        runs: () => added.size,
        id: () => `${target}/${[...added].at(-1)}`,
        begin: () => undefined,
        end: () => {
          for (const proxy of proxies.all()) save({ ...proxy, toxics: [] })
        },
        hasStopped: () => toxics().length === 0,
      }
    },
  },
  databricks: {
    category: 'optimization',
    known: 'token',
    async start() {
      const server = await startDatabricks()
      const { url: baseUrl, token, state, show } = server
      const statusOf = () => state.runs.at(-1)?.status?.['state']
      const terminated = (code: string) =>
        show({ status: { state: 'TERMINATED', termination_details: { code, type: 'SUCCESS', message: '' } } })
      return {
        server,
        connection: { baseUrl, token },
        input: { target: String(state.jobs[0]?.job_id) },
        runs: () => state.runs.length,
        id: () => String(state.runs.at(-1)?.run_id),
        begin: () => show({ status: { state: 'RUNNING' } }),
        end: () => terminated('SUCCESS'),
        hasStopped() {
          if (statusOf() === 'TERMINATING') terminated('USER_CANCELED')
          return statusOf() === 'TERMINATED'
        },
      }
    },
  },
  'aws-step-functions': {
    category: 'optimization',
    known: 'token',
    async start() {
      const server = await startStepFunctions()
      const { url: endpoint, state, end } = server
      const [target = ''] = Object.keys(state.machines)
      return {
        server,
        connection: { region, endpoint },
        input: { target },
        runs: () => state.executions.length,
        id: () => state.executions.at(-1)?.executionArn ?? '',
        begin: () => undefined,
        end: () => end('SUCCEEDED'),
        hasStopped: () => state.executions.at(-1)?.status === 'ABORTED',
        startedBy: 'StartExecution',
      }
    },
  },
  'aws-sagemaker': {
    category: 'optimization',
    known: 'token',
    async start() {
      const server = await startSageMaker()
      const { url: endpoint, state } = server
      const become = (status: string) => void Object.assign(state.executions.at(-1) ?? {}, { status })
      const statusOf = () => state.executions.at(-1)?.status
      return {
        server,
        connection: { region, endpoint },
        input: { target: Object.keys(state.pipelines)[0] },
        runs: () => state.executions.length,
        id: () => state.executions.at(-1)?.arn ?? '',
        begin: () => undefined,
        end: () => become('Succeeded'),
        hasStopped() {
          if (statusOf() === 'Stopping') become('Stopped')
          return statusOf() === 'Stopped'
        },
        startedBy: 'StartPipelineExecution',
      }
    },
  },
  awx: {
    category: 'remediation',
    known: 'look-up',
    async start() {
      const server = await startAwx()
      const { url: baseUrl, token, state, finish } = server
      return {
        server,
        connection: { baseUrl, token },
        input: { target: String(restart.id) },
        runs: () => state.runs.length,
        id: () => `job/${state.runs.at(-1)?.id}`,
        begin: () => void Object.assign(state.runs.at(-1) ?? {}, { status: 'running' }),
        end: () => finish('successful'),
        hasStopped: () => state.runs.at(-1)?.status === 'canceled',
      }
    },
  },
  stackstorm: {
    category: 'remediation',
    known: 'look-up',
    async start() {
      const server = await startStackStorm()
      const { url: baseUrl, token, state } = server
      const become = (status: string) => void Object.assign(state.executions.at(-1) ?? {}, { status })
      const statusOf = () => state.executions.at(-1)?.status
      return {
        server,
        connection: { baseUrl, token },
        input: { target: 'shop.restart' },
        runs: () => state.executions.length,
        id: () => state.executions.at(-1)?.id ?? '',
        begin: () => become('running'),
        end: () => become('succeeded'),
        hasStopped() {
          if (statusOf() === 'canceling') become('canceled')
          return statusOf() === 'canceled'
        },
      }
    },
  },
}
