import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { readContract } from '../../../infra/openapi/contract.ts'
import { Checker } from '../../contract/check.ts'
import { byPath } from '../../contract/match.ts'
import type { Started } from './start.ts'
import { useSandbox } from './use.ts'

const folder = process.env['WEBHOOKS_CONTRACTS'] ?? join(import.meta.dirname, '../../../../shared/contracts')
/** Skips the tests if the contracts of the vendors are not available. */
const whenAvailable = existsSync(folder) ? test : test.skip
/** The base path of each contract. */
const bases = {
  github: '/',
  servicenow: '/api/now',
  unleash: '/',
  databricks: '/',
  rundeck: '/api/44',
  'slack-messaging': '/',
  'dynatrace-environment-v2': '/api/v2',
}
const started = useSandbox()

/** Returns the violations of a vendor's contract in a response of the sandbox. */
function answersOf(vendor: keyof typeof bases, call: Started['serviceNow']) {
  const document = JSON.parse(readFileSync(join(folder, `${vendor}.openapi.json`), 'utf8'))
  const contract = readContract({ ...document, servers: [{ url: bases[vendor] }] })
  const match = byPath(contract.operations)
  const checker = new Checker(contract)
  return async (method: string, path: string, body?: unknown): Promise<string[]> => {
    const { status, json } = await call(method, path, body)
    const [pathname = ''] = path.split('?')
    const found = match({ method, path: pathname, query: new URLSearchParams(), headers: {}, body: '' })
    if ('unknown' in found) return [found.unknown]
    const response = found.operation.responses.find((one) => one.status === status)
    return response ? checker.response(response, json) : [`${found.operation.name} has no answer ${status}`]
  }
}

whenAvailable('The fake GitHub Actions conforms to the contract of its vendor', async () => {
  const errors = answersOf('github', started.github)
  const actions = '/repos/acme/shop/actions'
  const start = `${actions}/workflows/deploy.yml/dispatches`
  expect(await errors('POST', start, { ref: 'main', return_run_details: true })).toEqual([])
  expect(await errors('POST', start, { ref: 'main' })).toEqual([])
  const answers = async () => {
    for (const path of ['workflows/deploy.yml/runs', 'runs/1', 'runs/1/jobs', 'runs/2/jobs']) {
      expect(await errors('GET', `${actions}/${path}`)).toEqual([])
    }
  }
  await answers()
  expect(await errors('POST', `${actions}/runs/2/cancel`)).toEqual([])
  await sleep(600)
  await answers()
  expect(await errors('POST', `${actions}/runs/2/cancel`)).toEqual([])
})

whenAvailable('The fake ServiceNow conforms to the contract of its vendor', async () => {
  const errors = answersOf('servicenow', started.serviceNow)
  const table = '/api/now/table/incident'
  expect(await errors('POST', table, { short_description: 'Slow' })).toEqual([])
  const { sys_id } = (await started.serviceNow('GET', table)).json.result[0]
  for (const view of ['', '?sysparm_exclude_reference_link=true', '?sysparm_display_value=true']) {
    expect(await errors('GET', `${table}${view}`)).toEqual([])
    expect(await errors('GET', `${table}/${sys_id}${view}`)).toEqual([])
  }
  expect(await errors('PATCH', `${table}/${sys_id}`, { state: '2' })).toEqual([])
  expect(await errors('GET', `${table}/${'0'.repeat(32)}`)).toEqual([])
  expect(await errors('POST', table, '{')).toEqual([])
})

whenAvailable('The fake Unleash conforms to the contract of its vendor', async () => {
  const errors = answersOf('unleash', started.unleash)
  const project = '/api/admin/projects/default'
  const feature = `${project}/features/checkout-v2`
  const place = `${feature}/environments/production`
  expect(await errors('GET', feature)).toEqual([])
  // The contract has an error: enabling a flag returns no body.
  expect(await errors('POST', `${place}/on`)).toEqual(['answer 200 must be object'])
  expect(await errors('POST', `${place}/strategies`, { name: 'flexibleRollout' })).toEqual([])
  const { environments } = (await started.unleash('GET', feature)).json
  const { strategies } = environments.find(({ name }: { name: string }) => name === 'production')
  expect(await errors('PUT', `${place}/strategies/${strategies[0].id}`, { name: 'default' })).toEqual([])
  expect(await errors('GET', `${project}/features/nope`)).toEqual([])
  expect(await errors('POST', `${feature}/environments/production-guarded/on`)).toEqual([])
  const change = { feature: 'checkout-v2', action: 'updateEnabled', payload: { enabled: true } }
  const requests = `${project}/environments/production-guarded/change-requests`
  expect(await errors('POST', requests, change)).toEqual([])
  expect(await errors('POST', requests, { ...change, action: 'explode' })).toEqual([])
})

whenAvailable('The fake Databricks conforms to the contract of its vendor', async () => {
  const errors = answersOf('databricks', started.databricks)
  const api = '/api/2.2/jobs'
  for (const seconds of ['0', '60']) {
    expect(await errors('POST', `${api}/run-now`, { job_id: 101, job_parameters: { seconds } })).toEqual([])
  }
  const [ended, on] = started.sandbox.databricks.runs('').map(({ id }) => id)
  expect(await errors('GET', `${api}/runs/get?run_id=${ended}`)).toEqual([])
  await sleep(600)
  expect(await errors('GET', `${api}/runs/get?run_id=${ended}`)).toEqual([])
  expect(await errors('GET', `${api}/runs/get?run_id=${on}`)).toEqual([])
  expect(await errors('POST', `${api}/runs/cancel`, { run_id: on })).toEqual([])
  expect(await errors('GET', `${api}/runs/get?run_id=${on}`)).toEqual([])
  expect(await errors('POST', `${api}/run-now`, { job_id: 1 })).toEqual([])
  expect(await errors('GET', `${api}/runs/get?run_id=1`)).toEqual([])
  expect(await errors('POST', `${api}/runs/cancel`, {})).toEqual([])
})

whenAvailable('The fake Rundeck conforms to the contract of its vendor', async () => {
  const errors = answersOf('rundeck', started.rundeck)
  const options = { seconds: 0 }
  expect(await errors('POST', '/api/44/job/3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a/run', { options })).toEqual([])
  expect(await errors('GET', '/api/44/execution/1')).toEqual([])
  expect(await errors('GET', '/api/44/execution/1/state')).toEqual([])
  expect(await errors('POST', '/api/44/execution/1/abort')).toEqual([])
})

whenAvailable('The fake Slack conforms to the contract of its vendor', async () => {
  const errors = answersOf('slack-messaging', (method, path, body) => started.slack(method, path.slice(1), body))
  const message = { channel: 'C0RELEASES', text: 'One', blocks: [{ type: 'divider' }] }
  expect(await errors('POST', '/chat.postMessage', message)).toEqual([])
  const { ts } = (await started.slack('GET', 'conversations.history?channel=C0RELEASES')).json.messages[0]
  expect(await errors('POST', '/chat.update', { ...message, ts })).toEqual([])
  expect(await errors('POST', '/chat.postMessage', { ...message, channel: 'C0NOPE' })).toEqual([])
})

whenAvailable('The fake Dynatrace conforms to the contract of its vendor', async () => {
  const errors = answersOf('dynatrace-environment-v2', started.dynatrace)
  const [{ id } = { id: '' }] = started.sandbox.dynatrace.slos('')
  const slo = '/api/v2/slo'
  expect(await errors('GET', slo)).toEqual([])
  for (const value of ['99', '96', '20', '']) {
    await started.call('POST', '/dynatrace/set', `slo=${id}&value=${value}`)
    expect(await errors('GET', `${slo}/${id}?timeFrame=GTF&from=now-5m`)).toEqual([])
    expect(await errors('GET', `${slo}?evaluate=true&pageSize=1&sloSelector=id("${id}")`)).toEqual([])
  }
  expect(await errors('GET', `${slo}?pageSize=1`)).toEqual([])
  expect(await errors('GET', `${slo}?sloSelector=nope`)).toEqual([])
  expect(await errors('GET', `${slo}/nope`)).toEqual([])
  expect(await errors('GET', `${slo}/${id.replace(/^./, '0')}`)).toEqual([])
  const event = { eventType: 'CUSTOM_INFO', title: 'Passed', properties: { score: '100' } }
  expect(await errors('POST', '/api/v2/events/ingest', event)).toEqual([])
})
