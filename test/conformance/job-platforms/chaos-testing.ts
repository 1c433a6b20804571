import { startFis } from '../../platforms/aws-fis.ts'
import { startAzureChaosStudio } from '../../platforms/azure-chaos-studio.ts'
import { startChaosMesh } from '../../platforms/chaos-mesh.ts'
import { startGremlin } from '../../platforms/gremlin.ts'
import { startLitmus } from '../../platforms/litmus.ts'
import { startSteadybit } from '../../platforms/steadybit.ts'
import { toxiproxyServer } from '../../platforms/toxiproxy/server.ts'
import { play } from '../platform.ts'
import { type JobPlatform, stages, stopsWhenAsked } from './platform.ts'

const region = 'eu-west-1'
const delay = { action: 'delay', mode: 'all', selector: {}, delay: { latency: '200ms' } }

export const chaosPlatforms = {
  'aws-fis': {
    known: 'token',
    starts: /^POST /,
    start: play(startFis, ({ url: endpoint, state, newest, become: enter }) => {
      const [target = ''] = Object.keys(state.templates)
      return {
        connection: { region, endpoint, allow: [target] },
        input: { target },
        runs: () => state.experiments.length,
        id: () => newest().id,
        ...stages(enter, 'running', 'completed'),
        hasStopped: stopsWhenAsked(enter, () => newest().state.status, 'stopping', 'stopped'),
      }
    }),
  },
  'chaos-mesh': chaosMesh('NetworkChaos', { ...delay, duration: '5m' }),
  'azure-chaos-studio': {
    known: 'neither',
    starts: /^POST .*\/start$/,
    start: play(startAzureChaosStudio, ({ url: baseUrl, token, state, enter }) => {
      const group = { subscription: '6b052e15-03d3-4f17-b2e1-be7f07588291', resourceGroup: 'shop' }
      return {
        connection: { baseUrl, token, ...group, allow: ['latency'] },
        input: { target: 'latency' },
        runs: () => state.executions.length,
        id: () => `latency/${state.executions.at(-1)?.name}`,
        ...stages(enter, 'Running', 'Success'),
        hasStopped: () => state.executions.at(-1)?.properties.status === 'Cancelled',
      }
    }),
  },
  gremlin: {
    known: 'look-up',
    starts: /^POST .*\/runs$/,
    start: play(startGremlin, ({ url: baseUrl, token, scenario: target, state, enter }) => ({
      connection: { baseUrl, token, allow: [target], project: state.team },
      input: { target },
      runs: () => state.runs.length,
      id: () => `${target}#${state.runs.at(-1)?.number}`,
      ...stages(enter, 'Running', 'Successful'),
      hasStopped: () => state.runs.at(-1)?.stage === 'Halted',
    })),
  },
  litmus: {
    known: 'neither',
    starts: / runChaosExperiment$/,
    stopsLate: true,
    start: play(startLitmus, ({ url: baseUrl, token, project, state, take, enter }) => {
      const target = 'a1b2'
      const passed = { score: 100, faults: [{ name: 'pod-delete', verdict: 'Pass' }] }
      return {
        connection: { baseUrl, token, project, allow: [target] },
        input: { target },
        runs: () => state.runs.length,
        id: () => `${project}/${target}#${state.runs.at(-1)?.notifyID}`,
        hasStarted: take,
        enter: (phase) => enter(phase, phase === 'Completed' ? passed : { score: 50 }),
        end: () => enter('Completed', passed),
        hasStopped: () => state.runs.at(-1)?.phase === 'Stopped',
      }
    }),
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
      ...stages(enter, 'RUNNING', 'COMPLETED'),
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
    start: play(toxiproxyServer, ({ url: baseUrl, proxies }) => {
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
    }),
  },
} satisfies Record<string, JobPlatform>

const entry = { name: 'slow', templateType: 'NetworkChaos', deadline: '5m', networkChaos: delay }
export const chaosWorkflows: JobPlatform = chaosMesh('Workflow', { entry: 'slow', templates: [entry] })

function chaosMesh(kind: 'NetworkChaos' | 'Workflow', spec: object) {
  return {
    known: 'token',
    starts: /^POST /,
    start: play(startChaosMesh, ({ url: baseUrl, token, state, newest, addEvent, remove }) => {
      const it = { apiVersion: 'chaos-mesh.org/v1alpha1', kind, metadata: { namespace: 'shop' }, spec }
      const enter = (status: string) => {
        if (status === 'deleted') return remove(newest())
        Object.assign(newest(), { status })
        addEvent('Applied', 'Successfully apply chaos for shop/checkout-0')
      }
      return {
        connection: { baseUrl, token, allow: ['shop'], templates: { it } },
        input: { target: 'it' },
        runs: () => state.records.length,
        id: () => `${kind}/shop/${state.records.at(-1)?.uid}`,
        ...stages(enter, 'running', 'finished'),
        hasStopped: () => state.records.at(-1)?.archived === true,
      }
    }),
  } satisfies JobPlatform
}
