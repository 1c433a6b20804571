import { startFis } from '../../../infra/platforms/aws-fis.ts'
import { startAzureChaosStudio } from '../../../infra/platforms/azure-chaos-studio.ts'
import { startChaosMesh } from '../../../infra/platforms/chaos-mesh.ts'
import { startGremlin } from '../../../infra/platforms/gremlin.ts'
import { startLitmus } from '../../../infra/platforms/litmus.ts'
import { startSteadybit } from '../../../infra/platforms/steadybit.ts'
import { toxiproxyServer } from '../../../infra/platforms/toxiproxy/server.ts'
import { play } from '../platform.ts'
import type { JobPlatform } from './platform.ts'

const region = 'eu-west-1'
const delay = { action: 'delay', mode: 'all', selector: {}, delay: { latency: '200ms' } }

export const chaosPlatforms = {
  'aws-fis': {
    known: 'token',
    starts: /^POST /,
    async start() {
      const server = await startFis()
      const { url: endpoint, state, newest, become: enter } = server
      const [target = ''] = Object.keys(state.templates)
      return {
        server,
        connection: { region, endpoint, allow: [target] },
        input: { target },
        runs: () => state.experiments.length,
        id: () => newest().id,
        hasStarted: () => enter('running'),
        enter,
        end: () => enter('completed'),
        hasStopped() {
          if (newest().state.status === 'stopping') enter('stopped')
          return newest().state.status === 'stopped'
        },
      }
    },
  },
  'chaos-mesh': chaosMesh('NetworkChaos', { ...delay, duration: '5m' }),
  'azure-chaos-studio': {
    known: 'neither',
    starts: /^POST .*\/start$/,
    async start() {
      const server = await startAzureChaosStudio()
      const { url: baseUrl, token, state, enter } = server
      const group = { subscription: '6b052e15-03d3-4f17-b2e1-be7f07588291', resourceGroup: 'shop' }
      return {
        server,
        connection: { baseUrl, token, ...group, allow: ['latency'] },
        input: { target: 'latency' },
        runs: () => state.executions.length,
        id: () => `latency/${state.executions.at(-1)?.name}`,
        hasStarted: () => enter('Running'),
        enter,
        end: () => enter('Success'),
        hasStopped: () => state.executions.at(-1)?.properties.status === 'Cancelled',
      }
    },
  },
  gremlin: {
    known: 'look-up',
    starts: /^POST .*\/runs$/,
    start: play(startGremlin, ({ url: baseUrl, token, scenario: target, state, enter }) => ({
      connection: { baseUrl, token, allow: [target], project: state.team },
      input: { target },
      runs: () => state.runs.length,
      id: () => `${target}#${state.runs.at(-1)?.number}`,
      hasStarted: () => enter('Running'),
      enter,
      end: () => enter('Successful'),
      hasStopped: () => state.runs.at(-1)?.stage === 'Halted',
    })),
  },
  litmus: {
    known: 'neither',
    starts: / runChaosExperiment$/,
    stopsLate: true,
    async start() {
      const server = await startLitmus()
      const { url: baseUrl, token, project, state, take, enter } = server
      const target = 'a1b2'
      const passed = { score: 100, faults: [{ name: 'pod-delete', verdict: 'Pass' }] }
      return {
        server,
        connection: { baseUrl, token, project, allow: [target] },
        input: { target },
        runs: () => state.runs.length,
        id: () => `${project}/${target}#${state.runs.at(-1)?.notifyID}`,
        hasStarted: take,
        enter: (phase) => enter(phase, phase === 'Completed' ? passed : { score: 50 }),
        end: () => enter('Completed', passed),
        hasStopped: () => state.runs.at(-1)?.phase === 'Stopped',
      }
    },
  },
  steadybit: {
    known: 'look-up',
    starts: /^POST .*\/execute$/,
    // It shows whose an execution is once that has started.
    stoppedAtStart: 'unknown',
    start: play(startSteadybit, ({ url: baseUrl, token, state, enter }) => ({
      connection: { baseUrl, token, allow: ['SHOP-*'] },
      input: { target: 'SHOP-1' },
      runs: () => state.executions.length,
      id: () => String(state.executions.at(-1)?.id),
      hasStarted: () => enter('RUNNING'),
      enter,
      end: () => enter('COMPLETED'),
      hasStopped: () => state.executions.at(-1)?.state === 'CANCELED',
    })),
  },
  toxiproxy: {
    known: 'look-up',
    starts: /^POST /,
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
      const removeToxics = () => {
        for (const proxy of proxies.all()) save({ ...proxy, toxics: [] })
      }
      return {
        server,
        connection: { baseUrl, allow: [target], maxDuration: 'PT12H' },
        input: { target, parameters: { type: 'latency', attributes: { latency: 300 }, duration: 'PT8H' } },
        runs: () => added.size,
        id: () => `${target}/${[...added].at(-1)}`,
        hasStarted: () => undefined,
        enter(state) {
          if (state === 'gone') removeToxics()
          if (state === 'lost') proxies.remove(target)
        },
        end: removeToxics,
        hasStopped: () => toxics().length === 0,
      }
    },
  },
} satisfies Record<string, JobPlatform>

const entry = { name: 'slow', templateType: 'NetworkChaos', deadline: '5m', networkChaos: delay }
export const chaosWorkflows: JobPlatform = chaosMesh('Workflow', { entry: 'slow', templates: [entry] })

function chaosMesh(kind: 'NetworkChaos' | 'Workflow', spec: object) {
  return {
    known: 'token',
    starts: /^POST /,
    async start() {
      const server = await startChaosMesh()
      const { url: baseUrl, token, state, newest, addEvent, remove } = server
      const it = { apiVersion: 'chaos-mesh.org/v1alpha1', kind, metadata: { namespace: 'shop' }, spec }
      const enter = (status: string) => {
        if (status === 'deleted') return remove(newest())
        Object.assign(newest(), { status })
        addEvent('Applied', 'Successfully apply chaos for shop/checkout-0')
      }
      return {
        server,
        connection: { baseUrl, token, allow: ['shop'], templates: { it } },
        input: { target: 'it' },
        runs: () => state.records.length,
        id: () => `${kind}/shop/${state.records.at(-1)?.uid}`,
        hasStarted: () => enter('running'),
        enter,
        end: () => enter('finished'),
        hasStopped: () => state.records.at(-1)?.archived === true,
      }
    },
  } satisfies JobPlatform
}
