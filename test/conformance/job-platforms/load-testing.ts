import { startAwsDlt } from '../../platforms/aws-dlt.ts'
import { startAzureLoadTesting } from '../../platforms/azure-load-testing.ts'
import { startBlazemeter } from '../../platforms/blazemeter.ts'
import { startGatling } from '../../platforms/gatling.ts'
import { startGrafanaK6 } from '../../platforms/grafana-k6.ts'
import { startK6Operator } from '../../platforms/k6-operator.ts'
import { startLocust } from '../../platforms/locust.ts'
import { startNeoload } from '../../platforms/neoload.ts'
import { play } from '../platform.ts'
import { type JobPlatform, stages, stopsWhenAsked } from './platform.ts'

export const loadTestPlatforms = {
  'aws-dlt': {
    known: 'neither',
    starts: /^POST .*\/scenarios$/,
    start: play(startAwsDlt, ({ url, testId: target, state, finish }) => {
      const { scenario } = state
      const enter = (status: string) => {
        if (/^(?:complete|cancelled|failed)$/.test(status)) finish(status)
        else Object.assign(scenario, { status })
      }
      return {
        connection: { baseUrl: `${url}/prod`, region: 'eu-west-1' },
        input: { target },
        runs: () => state.starts.length,
        id: () => `${target}@${scenario.startTime.replace(' ', 'T')}Z`,
        ...stages(enter, 'running', 'complete'),
        hasStopped: stopsWhenAsked(enter, () => scenario.status, 'cancelling', 'cancelled'),
      }
    }),
  },
  'azure-load-testing': {
    known: 'token',
    starts: /^PATCH /,
    start: play(startAzureLoadTesting, ({ url, tenantId, clientId, clientSecret, state, finish }) => {
      const enter = (name: string) => {
        const [status = '', testResult] = name.split('/')
        finish(status, testResult)
      }
      return {
        connection: { baseUrl: url, loginUrl: url, tenantId, clientId, clientSecret },
        input: { target: state.tests[0] },
        runs: () => state.runs.length,
        id: () => String(state.runs.at(-1)?.testRunId),
        ...stages(enter, 'EXECUTING', 'DONE/PASSED'),
        hasStopped: stopsWhenAsked(enter, () => state.runs.at(-1)?.status, 'CANCELLING', 'CANCELLED'),
      }
    }),
  },
  blazemeter: {
    known: 'neither',
    // A run that was stopped has no verdict.
    stops: 'succeeded',
    starts: /^POST .*\/start$/,
    start: play(startBlazemeter, ({ url: baseUrl, username, password, state, finish }) => {
      const newest = () => state.masters.at(-1)
      const enter = (name: string) => {
        const [status, reportStatus = null] = name.split('/')
        if (status === 'ENDED') finish(reportStatus, reportStatus ? {} : { ended: null })
        else Object.assign(newest() ?? {}, { status })
      }
      return {
        connection: { baseUrl, username, password },
        input: { target: '9876543' },
        runs: () => state.masters.length,
        id: () => String(newest()?.id),
        ...stages(enter, 'DATA_RECEIVED', 'ENDED/pass'),
        hasStopped: () => newest()?.status === 'ENDED',
      }
    }),
  },
  gatling: {
    known: 'look-up',
    starts: /^POST .*\/tests\/.*\/runs$/,
    start: play(startGatling, ({ url: baseUrl, token, state, enter }) => ({
      connection: { baseUrl, token },
      input: { target: state.tests[0] },
      runs: () => state.runs.length,
      id: () => String(state.runs.at(-1)?._id),
      hasStarted: () => enter('Injecting'),
      enter,
      end: () => enter('Successful', true),
      hasStopped: () => state.runs.at(-1)?.status === 'Stopped',
    })),
  },
  'grafana-k6': {
    known: 'token',
    stopsLate: true,
    starts: /^POST .*\/start$/,
    start: play(startGrafanaK6, (server) => {
      const { url: baseUrl, token, stackId, test: target, state } = server
      const fault = { by_user: null, message: 'Validation error', code: 123 }
      const enter = (name: string) => {
        const [type = '', result = null] = name.split('/')
        server.enter(type, { result, ...(result === 'error' ? { extra: fault } : {}) })
      }
      return {
        connection: { baseUrl, token, stackId },
        input: { target },
        runs: () => state.runs.length,
        id: () => String(state.runs.at(-1)?.id),
        ...stages(enter, 'running', 'completed/passed'),
        hasStopped: () => state.runs.at(-1)?.history.at(-1)?.type === 'aborted',
      }
    }),
  },
  'k6-operator': {
    known: 'token',
    stoppedAtStart: 'forgotten',
    starts: /^POST .*\/testruns$/,
    start: play(startK6Operator, ({ url: baseUrl, token, state, enter }) => ({
      connection: { baseUrl, token, namespace: 'shop', scripts: ['checkout/*'] },
      input: { target: 'checkout/test.js' },
      runs: () => state.created,
      id: () => state.runs.at(-1)?.metadata.name ?? '',
      ...stages(enter, 'started', 'finished'),
      hasStopped: () => state.runs.length < state.created,
    })),
  },
  locust: {
    known: 'neither',
    reliableAfter: 30,
    stops: 'succeeded',
    starts: /^POST .*\/swarm$/,
    start: play(startLocust, ({ url: baseUrl, password, state, finish }) => {
      // The locustfile decides when a test ends, so no end is early.
      state.shape = true
      return {
        connection: { baseUrl, username: 'robot', password },
        input: { target: 'https://shop.example.com', parameters: { user_count: 2, spawn_rate: 1, run_time: 'PT1M' } },
        runs: () => state.starts.length,
        id: () => 'current',
        hasStarted: () => void Object.assign(state, { state: 'running' }),
        enter: (name) => (name === 'stopped' ? finish() : void Object.assign(state, { state: name })),
        end: finish,
        hasStopped: () => state.state === 'stopped',
      }
    }),
  },
  neoload: {
    known: 'look-up',
    starts: /^POST .*\/start/,
    start: play(startNeoload, ({ url: baseUrl, token, state, finish }) => {
      const [target, project] = [state.tests[0], '5e3acde2e860a132744ca916']
      const newest = () => state.results.at(-1)
      const enter = (name: string) => {
        const [status, reason = '', quality] = name.split('/')
        if (status === 'TERMINATED') finish(reason, quality)
        else Object.assign(newest() ?? {}, { status })
      }
      return {
        connection: { baseUrl, token },
        input: { target, project },
        runs: () => state.results.length,
        id: () => `${project}#${newest()?.id}`,
        ...stages(enter, 'RUNNING', 'TERMINATED/POLICY/PASSED'),
        hasStopped: () => newest()?.terminationReason === 'MANUAL',
      }
    }),
  },
} satisfies Record<string, JobPlatform>
