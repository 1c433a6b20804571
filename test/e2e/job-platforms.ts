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
  /** The input of a start. */
  input: Record<string, unknown>
  /** How many runs were started. */
  runs(): number
  /** The id of the newest run, as stop accepts it. */
  id(): string
  /** Marks the newest run as started. It runs until `end`. */
  hasStarted(): void
  /** Ends the newest run, successfully if the platform has no other end. */
  end(): void
  /** Whether the newest run has stopped; one that was asked to does so now. */
  hasStopped(): boolean
  /** HTTP method or AWS operation of the start request. Defaults to POST. */
  startedBy?: string
  /** Answers what the next start asks first with the same method, which is that there is no run. */
  beforeStart?(): void
}

/** The differences between job platforms. */
export interface JobPlatform {
  category: 'chaos-testing' | 'optimization' | 'remediation'
  /** How a start is known whose answer was lost: the platform keeps two with one token apart, or shows the key, or neither. */
  known: 'token' | 'look-up' | 'neither'
  /** The result of the task when the run ends, if it is not pass. */
  ends?: 'aborted'
  /** It can be stopped only after it has started. */
  stopsLate?: true
  /** The outcome of a task without a start response whose run was stopped meanwhile. Defaults to the result of the run. */
  stoppedAtStart?: 'unknown'
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
        hasStarted: () => become('running'),
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
        hasStarted: () => void Object.assign(newest(), { status: 'running' }),
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
        hasStarted: () => enter('Running'),
        end: () => enter('Successful'),
        hasStopped: () => state.runs.at(-1)?.stage === 'Halted',
      }
    },
  },
  litmus: {
    category: 'chaos-testing',
    known: 'neither',
    stopsLate: true,
    stoppedAtStart: 'unknown',
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
        hasStarted: take,
        end: () => enter('Completed', { score: 100, faults: [{ name: 'pod-delete', verdict: 'Pass' }] }),
        hasStopped: () => state.runs.at(-1)?.phase === 'Stopped',
      }
    },
  },
  steadybit: {
    category: 'chaos-testing',
    known: 'look-up',
    // It shows whose an execution is once that has started.
    stoppedAtStart: 'unknown',
    async start() {
      const server = await startSteadybit()
      const { url: baseUrl, token, state, enter } = server
      return {
        server,
        connection: { baseUrl, token, allow: ['SHOP-*'] },
        input: { target: 'SHOP-1' },
        runs: () => state.executions.length,
        id: () => String(state.executions.at(-1)?.id),
        hasStarted: () => enter('RUNNING'),
        end: () => enter('COMPLETED'),
        hasStopped: () => state.executions.at(-1)?.state === 'CANCELED',
        beforeStart: () => server.failNext(200, { items: [], totalItems: 0, nextPage: null }, { on: 'POST' }),
      }
    },
  },
  toxiproxy: {
    category: 'chaos-testing',
    known: 'look-up',
    // It lasts for hours, so the test removes it.
    ends: 'aborted',
    // Nothing is left of a toxic that was removed.
    stoppedAtStart: 'unknown',
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
        hasStarted: () => undefined,
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
        hasStarted: () => show({ status: { state: 'RUNNING' } }),
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
        hasStarted: () => undefined,
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
        hasStarted: () => undefined,
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
        hasStarted: () => void Object.assign(state.runs.at(-1) ?? {}, { status: 'running' }),
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
        hasStarted: () => become('running'),
        end: () => become('succeeded'),
        hasStopped() {
          if (statusOf() === 'canceling') become('canceled')
          return statusOf() === 'canceled'
        },
      }
    },
  },
}
