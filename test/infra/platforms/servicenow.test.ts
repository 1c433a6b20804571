import { expect, test } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { basic } from './start.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const table = '/api/now/table/incident'
const resolved = { state: '6', close_code: 'Solution provided', close_notes: 'Rolled back.' }

const open = async (fields: object = {}) =>
  (await started.serviceNow('POST', table, { short_description: 'Slow checkout', ...fields })).json.result
const get = async (id: string, query = '') => (await started.serviceNow('GET', `${table}/${id}${query}`)).json.result
const patch = (id: string, fields: unknown, query = '') => started.serviceNow('PATCH', `${table}/${id}${query}`, fields)
const search = async (query: string, name = 'incident') => {
  const path = `/api/now/table/${name}?sysparm_query=${encodeURIComponent(query)}`
  return (await started.serviceNow('GET', path)).json.result
}

test.each([
  ['a wrong password', basic({ ...demo.serviceNow, password: 'wrong' })],
  ['a wrong token', 'Bearer wrong'],
])('ServiceNow rejects a request with %s', async (_, authorization) => {
  const { status, headers } = await started.call('POST', `/servicenow${table}`, {}, { authorization })
  expect([status, headers.get('www-authenticate')]).toEqual([401, 'BASIC realm="Service-now"'])
  expect(started.sandbox.serviceNow.incidents('')).toEqual([])
})

test('ServiceNow ignores columns that do not exist or that a caller cannot set', async () => {
  const ignored = { u_unknown: 'x', sys_id: 'x', priority: '5', constructor: 'x' }
  const result = await open({ impact: 2, urgency: 1, ...ignored })
  expect(result).toMatchObject({ sys_id: expect.stringMatching(/^[0-9a-f]{32}$/), priority: '2', active: 'true' })
  expect(Object.keys(result).filter((name) => ['u_unknown', 'constructor'].includes(name))).toEqual([])
})

test('ServiceNow accepts labels of choices only with sysparm_input_display_value', async () => {
  const { sys_id } = await open({ state: 'In Progress', urgency: 'High' })
  expect(await get(sys_id)).toMatchObject({ state: '1', urgency: '3' })
  const fields = { state: 'In Progress', urgency: '1 - High', assignment_group: 'Network', assigned_to: 'Unknown' }
  const { result } = (await patch(sys_id, fields, '?sysparm_input_display_value=true&sysparm_display_value=true')).json
  const shown = { state: 'In Progress', urgency: '1 - High', assignment_group: { display_value: 'Network' } }
  expect(result).toMatchObject({ ...shown, assigned_to: '' })
})

test.each([
  ['neither code nor notes', {}, 'Resolution code, Resolution notes'],
  ['no notes', { close_code: 'Solution provided' }, 'Resolution notes'],
  ['a code that is in no list', { close_code: 'Fixed', close_notes: 'Done' }, 'Resolution code'],
])('ServiceNow does not resolve an incident with %s', async (_, fields, missing) => {
  const { sys_id } = await open()
  for (const state of ['6', '7']) {
    const { status, json } = await patch(sys_id, { state, ...fields, work_notes: 'Never written' })
    expect([status, json.error.detail]).toEqual([
      403,
      `Data Policy Exception: The following fields are mandatory: ${missing}`,
    ])
  }
  expect(await get(sys_id, '?sysparm_display_value=true')).toMatchObject({ state: 'New', work_notes: '' })
})

test('ServiceNow keeps resolved incidents active, and reopens resolved, closed and canceled ones', async () => {
  const { sys_id } = await open()
  for (const [fields, expected] of [
    [resolved, { ...resolved, active: 'true', closed_at: '', resolved_at: expect.stringMatching(/^\d{4}-/) }],
    [{ state: 7 }, { state: '7', active: 'false' }],
    [{ state: '2' }, { state: '2', active: 'true', reopen_count: '1', resolved_at: '', closed_at: '' }],
    [{ incident_state: '8' }, { state: '8', active: 'false' }],
  ] as const) {
    expect((await patch(sys_id, fields)).json.result).toMatchObject(expected)
  }
})

test.each([
  ['correlation_id=k2', [2]],
  ['number=INC0010003^active=true', []],
  ['correlation_id=K1^ORcorrelation_id=K3^active=true', [1]],
  // A condition on an unknown column is ignored.
  ['u_key=abc^number=INC0010002', [2]],
])('ServiceNow finds with the query %s', async (query, found) => {
  await open({ short_description: 'b', correlation_id: 'K1' })
  await open({ short_description: 'a', correlation_id: 'K2' })
  const { sys_id } = await open({ short_description: 'c', correlation_id: 'K3' })
  await patch(sys_id, { state: '8' })
  expect((await search(query)).map(({ number }: { number: string }) => Number(number.at(-1)))).toEqual(found)
})

const nothing = `${table}/${'0'.repeat(32)}`
test.each([
  ['GET', '/api/now/table/u_nothing', 400, 'Invalid table u_nothing'],
  ['GET', '/api/now/table/constructor', 400, 'Invalid table constructor'],
  ['GET', nothing, 404, 'No Record found'],
  ['PATCH', nothing, 404, 'No Record found'],
  ['GET', '/api/now/nothing', 400, 'Requested URI does not represent any resource'],
  ['DELETE', table, 405, 'Method not supported'],
  ['POST', '/api/now/table/sys_user', 405, 'Method not supported'],
])('ServiceNow rejects %s %s with %i', async (method, path, expected, message) => {
  const { status, json } = await started.serviceNow(method, path, method === 'GET' ? undefined : {})
  expect({ status, ...json }).toMatchObject({ status: 'failure', error: { message } })
  expect(status).toBe(expected)
})

test.each([
  ['that is not JSON', '{"short_description"', {}, 400],
  ['that is too large', { description: 'x'.repeat(1024 * 1024) }, {}, 413],
  ['of another type', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
])('ServiceNow rejects a body %s', async (_, body, headers, status) => {
  expect((await started.serviceNow('POST', table, body, headers)).status).toBe(status)
  expect(started.sandbox.serviceNow.incidents('')).toEqual([])
})

test('The page of an incident has an address that people can type', async () => {
  const { sys_id } = await open(resolved)
  const page = (rest: string) => started.call('GET', `/servicenow/nav_to.do?uri=incident.do${rest}`)
  const { text } = await page(`%3Fsys_id%3D${sys_id}`)
  expect(text).toContain('INC0010001')
  expect((await page(`?sys_id=${sys_id}`)).text).toBe(text)
  expect((await page(`?sys_id=${'0'.repeat(32)}`)).status).toBe(404)
})
