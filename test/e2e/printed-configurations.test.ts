import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { keptnEventLog } from '../../infra/sandbox/keptn/event-log.ts'
import { playSequence } from '../../infra/sandbox/keptn/player.ts'
import { loadSequenceFolder } from '../../infra/sandbox/keptn/sequence-files.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { Service } from './service.ts'

const service = await new Service({ timeScale: 30 }).start()
afterAll(() => service.end())
const folder = temporaryFolder()

/** Runs one task with the subscription that `webhooks config` prints, in the sandbox. */
async function play(mode: string, action: string, task: string, properties: object) {
  const { code, out } = await webhooks(`config ${action} --task ${task} --mode ${mode} --yaml`)
  expect(code).toBe(0)
  const sequences = [{ name: 'demo', tasks: [{ name: task, properties }] }]
  const shipyard = { apiVersion: 'spec.keptn.sh/0.2.3', kind: 'Shipyard', metadata: { name: 'demo' } }
  // JSON is YAML.
  const text = JSON.stringify({ ...shipyard, spec: { stages: [{ name: 'production', sequences }] } })
  writeFileSync(join(folder, 'shipyard.yaml'), text)
  writeFileSync(join(folder, 'webhook.yaml'), out)
  const data = { project: 'demo', stage: 'production', service: 'casdemoapp' }
  writeFileSync(join(folder, 'event.json'), JSON.stringify({ type: 'sh.keptn.event.production.demo.triggered', data }))
  const { tasks, context } = await playSequence({
    files: loadSequenceFolder(folder),
    url: service.url,
    token: demo.callerToken,
    print: () => undefined,
    log: keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken),
  })
  return { outcome: tasks[0]?.outcome, ended: await service.endedBy(context) }
}

const SHORT = { duration: 'PT1S' }
const FAULT = { parameters: { type: 'latency', ...SHORT } }

describe.each(['silent', 'interactive'])(
  'In the sandbox, the %s configuration that `webhooks config` prints',
  (mode) => {
    it.each([
      ['chaos-testing/start-test', 'step', FAULT],
      ['load-testing/start-test', 'step', { parameters: SHORT }],
      ['incident-management/run-runbook', 'step', {}],
      ['incident-management/run-runbook', 'step', { target: 'clear-cache' }],
      ['remediation/run-runbook', 'step', {}],
      ['remediation/run-job', 'step', {}],
      ['remediation/toggle-flag', 'step', { flag: 'checkout-v2' }],
      ['remediation/toggle-flag', 'step', { flag: 'checkout-v2', state: 'on' }],
      ['remediation/rollback', 'step', {}],
      ['remediation/run-action', 'action', { action: 'restart-service' }],
      ['slo/request-evaluation', 'evaluation', { timeframe: '5m' }],
    ])('for %s works in a task %s with %j, and finishes it once', async (action, task, properties) => {
      const { outcome, ended } = await play(mode, action, task, properties)
      expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass' })
      const [category] = action.split('/')
      expect(ended).toEqual([`${task} ${mode === 'silent' ? 'webhook-service' : category}`])
    })
  },
)
