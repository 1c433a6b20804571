import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from '@jest/globals'
import { keptnEventLog } from '../../infra/keptn/event-log.ts'
import { playSequence } from '../../infra/keptn/player.ts'
import { loadSequenceFolder } from '../../infra/keptn/sequence-files.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { Service } from './service.ts'

const service = await new Service({ timeScale: 30 }).start()
afterAll(() => service.end())
const folder = temporaryFolder()

/** Plays one task with the subscription that `webhooks config` prints, in the sandbox. */
async function play(action: string, task: string, properties: object) {
  const { code, out } = await webhooks(`config ${action} --task ${task} --mode interactive --yaml`)
  expect(code).toBe(0)
  const sequences = [{ name: 'demo', tasks: [{ name: task, properties }] }]
  const shipyard = { apiVersion: 'spec.keptn.sh/0.2.3', kind: 'Shipyard', metadata: { name: 'demo' } }
  // JSON is YAML.
  const text = JSON.stringify({ ...shipyard, spec: { stages: [{ name: 'production', sequences }] } })
  writeFileSync(join(folder, 'shipyard.yaml'), text)
  writeFileSync(join(folder, 'webhook.yaml'), out)
  const data = { project: 'demo', stage: 'production', service: 'casdemoapp' }
  writeFileSync(join(folder, 'event.json'), JSON.stringify({ type: 'sh.keptn.event.production.demo.triggered', data }))
  const { tasks } = await playSequence({
    ...{ files: loadSequenceFolder(folder), url: service.url, token: demo.callerToken, print: () => undefined },
    log: keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken),
  })
  return tasks[0]?.outcome
}

it.each([
  ['incident-management/run-runbook', 'step', {}],
  ['incident-management/run-runbook', 'step', { target: 'clear-cache' }],
  ['remediation/run-runbook', 'step', {}],
  ['remediation/run-job', 'step', {}],
  ['remediation/toggle-flag', 'step', { flag: 'checkout-v2' }],
  ['remediation/toggle-flag', 'step', { flag: 'checkout-v2', state: 'on' }],
  ['remediation/rollback', 'step', {}],
  ['remediation/run-action', 'action', { action: 'restart-service' }],
  ['slo/request-evaluation', 'evaluation', { timeframe: '5m' }],
])(
  'The configuration that `webhooks config %s` prints for %s works in the sandbox with %j',
  async (action, task, properties) => {
    expect(await play(action, task, properties)).toMatchObject({ status: 'succeeded', result: 'pass' })
  },
)
