import { expect, test } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { basic } from './start.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const table = '/api/now/table/incident'
const resolved = { state: '6', close_code: 'Solution provided', close_notes: 'Rolled back.' }

const open = async (fields: Record<string, unknown> = {}, query = '') => {
  const { status, json } = await started.serviceNow('POST', `${table}${query}`, {
    short_description: 'Slow checkout',
    ...fields,
  })
  expect(status).toBe(201)
  return json.result
}
const get = async (id: string, query = '') => (await started.serviceNow('GET', `${table}/${id}${query}`)).json.result
const patch = (id: string, fields: unknown, query = '') => started.serviceNow('PATCH', `${table}/${id}${query}`, fields)
const search = async (query: string, more = '', name = 'incident') => {
  const path = `/api/now/table/${name}?sysparm_query=${encodeURIComponent(query)}${more}`
  return (await started.serviceNow('GET', path)).json.result
}
const numbers = (records: { number: string }[]) => records.map(({ number }) => number)

test.each([
  ['no credentials', {}],
  ['a wrong password', { authorization: basic({ ...demo.serviceNow, password: 'wrong' }) }],
  ['a wrong token', { authorization: 'Bearer wrong' }],
])('ServiceNow rejects a request with %s', async (_, headers) => {
  const { status, json, headers: answered } = await started.call('POST', `/servicenow${table}`, {}, headers)
  expect([status, answered.get('www-authenticate')]).toEqual([401, 'BASIC realm="Service-now"'])
  expect(json).toEqual({
    error: { message: 'User Not Authenticated', detail: 'Required to provide Auth information' },
    status: 'failure',
  })
  expect(started.sandbox.serviceNow.incidents('')).toEqual([])
})

test('ServiceNow creates an incident with default values', async () => {
  const { status, json, headers } = await started.serviceNow('POST', table, {
    short_description: 'Slow checkout',
    description: 'p95 is 3 s',
    correlation_id: 'abc',
    urgency: 1,
    impact: 2,
    u_unknown: 'ignored',
    sys_id: 'ignored',
    priority: '5',
    constructor: 'ignored',
  })
  expect(status).toBe(201)
  const { result } = json
  expect(headers.get('location')).toBe(`${started.origin}/sandbox/servicenow${table}/${result.sys_id}`)
  expect(result).toMatchObject({
    sys_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    number: 'INC0010001',
    short_description: 'Slow checkout',
    description: 'p95 is 3 s',
    correlation_id: 'abc',
    state: '1',
    incident_state: '1',
    urgency: '1',
    impact: '2',
    priority: '2',
    severity: '3',
    category: 'inquiry',
    active: 'true',
    assigned_to: '',
    close_code: '',
    opened_by: { link: expect.stringContaining('/api/now/table/sys_user/'), value: expect.any(String) },
    sys_created_on: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    sys_mod_count: '0',
    sys_class_name: 'incident',
  })
  expect(result).not.toHaveProperty('u_unknown')
  expect(Object.hasOwn(result, 'constructor')).toBe(false)
  expect(await get(result.sys_id)).toEqual(result)
  expect((await open()).number).toBe('INC0010002')
})

test('ServiceNow calculates the priority from impact and urgency', async () => {
  const matrix = [
    ['1', '2', '3'],
    ['2', '3', '4'],
    ['3', '4', '5'],
  ]
  const seen = await Promise.all(
    ['1', '2', '3'].map((impact) =>
      Promise.all(['1', '2', '3'].map(async (urgency) => (await open({ impact, urgency })).priority)),
    ),
  )
  expect(seen).toEqual(matrix)
  const { sys_id } = await open()
  expect((await patch(sys_id, { impact: '1', priority: '4' })).json.result.priority).toBe('3')
})

test('ServiceNow truncates long text silently', async () => {
  const { short_description, correlation_id } = await open({
    short_description: 'x'.repeat(200),
    correlation_id: 'y'.repeat(200),
  })
  expect([short_description.length, correlation_id.length]).toEqual([160, 100])
})

test('ServiceNow accepts labels of choices only with sysparm_input_display_value', async () => {
  const { sys_id } = await open({ state: 'In Progress', urgency: 'High' })
  expect(await get(sys_id)).toMatchObject({ state: '1', urgency: '3' })
  const fields = { state: 'In Progress', urgency: '1 - High', assignment_group: 'Network', assigned_to: 'Unknown' }
  const { result } = (await patch(sys_id, fields, '?sysparm_input_display_value=true&sysparm_display_value=true')).json
  expect(result).toMatchObject({
    state: 'In Progress',
    urgency: '1 - High',
    assignment_group: { display_value: 'Network' },
    assigned_to: '',
  })
})

test.each([
  ['neither code nor notes', {}, 'Resolution code, Resolution notes'],
  ['no notes', { close_code: 'Solution provided' }, 'Resolution notes'],
  ['a code that is in no list', { close_code: 'Fixed', close_notes: 'Done' }, 'Resolution code'],
])('ServiceNow does not resolve an incident with %s', async (_, fields, missing) => {
  const { sys_id } = await open()
  for (const state of ['6', '7']) {
    const { status, json } = await patch(sys_id, { state, ...fields, work_notes: 'Never written' })
    expect(status).toBe(403)
    expect(json).toEqual({
      error: {
        message: 'Operation Failed',
        detail: `Data Policy Exception: The following fields are mandatory: ${missing}`,
      },
      status: 'failure',
    })
  }
  expect(await get(sys_id, '?sysparm_display_value=true')).toMatchObject({ state: 'New', work_notes: '' })
})

test('ServiceNow keeps resolved incidents active, and reopens resolved, closed and canceled ones', async () => {
  const { sys_id } = await open()
  const first = (await patch(sys_id, resolved)).json.result
  expect(first).toMatchObject({ ...resolved, incident_state: '6', active: 'true', closed_at: '', sys_mod_count: '1' })
  expect(first.resolved_at).toMatch(/^\d{4}-/)
  expect((await patch(sys_id, { state: 7 })).json.result).toMatchObject({ state: '7', active: 'false' })
  const again = (await patch(sys_id, { state: '2' })).json.result
  expect(again).toMatchObject({ state: '2', active: 'true', reopen_count: '1', resolved_at: '', closed_at: '' })
  expect((await patch(sys_id, { incident_state: '8' })).json.result).toMatchObject({ state: '8', active: 'false' })
})

test('ServiceNow returns work notes and comments as display values, newest first', async () => {
  const { sys_id } = await open({ work_notes: 'First' })
  await patch(sys_id, { work_notes: 'Second', comments: 'For the customer' })
  expect(await get(sys_id)).toMatchObject({ work_notes: '', comments: '' })
  const { work_notes, comments } = await get(sys_id, '?sysparm_display_value=true&sysparm_fields=work_notes,comments')
  expect(work_notes).toMatch(
    /^\d{4}-\d\d-\d\d [\d:]{8} - Sandbox Integration \(Work notes\)\nSecond\n\n.* \(Work notes\)\nFirst\n\n$/,
  )
  expect(comments).toMatch(/\(Additional comments\)\nFor the customer\n\n$/)
  expect(
    await search(
      `element_id=${sys_id}^element=work_notes^ORDERBYDESCvalue`,
      '&sysparm_fields=value',
      'sys_journal_field',
    ),
  ).toEqual([{ value: 'Second' }, { value: 'First' }])
})

test.each([
  ['', { value: expect.any(String), link: expect.stringContaining('/api/now/table/sys_user_group/') }, '1'],
  ['&sysparm_exclude_reference_link=true', expect.stringMatching(/^[0-9a-f]{32}$/), '1'],
  ['&sysparm_display_value=true', { display_value: 'Network', link: expect.any(String) }, 'New'],
  ['&sysparm_display_value=true&sysparm_exclude_reference_link=true', 'Network', 'New'],
  [
    '&sysparm_display_value=all&sysparm_exclude_reference_link=true',
    { display_value: 'Network', value: expect.any(String) },
    { display_value: 'New', value: '1' },
  ],
])('ServiceNow returns references and choices with %s', async (how, group, state) => {
  const [{ sys_id: assignment_group }] = await search('name=Network', '', 'sys_user_group')
  const { sys_id } = await open({ assignment_group })
  const fields = 'sysparm_fields=assignment_group, state,no_such_column'
  expect(await get(sys_id, `?${fields}${how}`)).toEqual({ assignment_group: group, state })
})

test('ServiceNow supports conditions, alternatives and sorting in a query', async () => {
  await open({ short_description: 'b ^ hat', correlation_id: 'K1' })
  await open({ short_description: 'a', correlation_id: 'K2' })
  const { sys_id } = await open({ short_description: 'c', correlation_id: 'K3' })
  await patch(sys_id, { state: '8' })
  const found = async (query: string) => numbers(await search(query))
  expect(await found('correlation_id=k2')).toEqual(['INC0010002'])
  expect(await found('number=INC0010001^active=true')).toEqual(['INC0010001'])
  expect(await found('number=INC0010003^active=true')).toEqual([])
  expect(await found('correlation_id=K1^ORcorrelation_id=K3^active=true')).toEqual(['INC0010001'])
  expect(await found('active=false^NQcorrelation_id=K2')).toEqual(['INC0010002', 'INC0010003'])
  expect(await found('ORDERBYshort_description')).toEqual(['INC0010002', 'INC0010001', 'INC0010003'])
  expect(await found('active=true^ORDERBYDESCnumber')).toEqual(['INC0010002', 'INC0010001'])
  expect(await found('short_description=b ^^ hat')).toEqual(['INC0010001'])
  expect(await found('short_descriptionLIKEHAT')).toEqual(['INC0010001'])
  expect(await found('short_descriptionSTARTSWITHb')).toEqual(['INC0010001'])
  expect(await found('stateIN6,8')).toEqual(['INC0010003'])
  expect(await found('state!=8^assigned_toISEMPTY')).toEqual(['INC0010001', 'INC0010002'])
  expect(await found('number>INC0010001^number<=INC0010002')).toEqual(['INC0010002'])
})

test('ServiceNow ignores a condition on an unknown column', async () => {
  await open()
  await open()
  expect(await search('u_key=abc')).toHaveLength(2)
  expect(await search('u_key=abc^number=INC0010002')).toHaveLength(1)
})

test('ServiceNow returns a page of a list and the total number', async () => {
  for (let made = 0; made < 3; made += 1) await open()
  const { json, headers } = await started.serviceNow(
    'GET',
    `${table}?sysparm_limit=1&sysparm_offset=1&sysparm_fields=number`,
  )
  expect(json).toEqual({ result: [{ number: 'INC0010002' }] })
  expect(headers.get('x-total-count')).toBe('3')
})

test('ServiceNow returns users and groups', async () => {
  expect(await search('user_name=beth.anglin^ORemail=x^active=true', '', 'sys_user')).toMatchObject([
    { name: 'Beth Anglin', email: 'beth.anglin@example.com' },
  ])
  const { opened_by } = await open()
  const path = opened_by.link.slice(`${started.origin}/sandbox/servicenow`.length)
  expect((await started.serviceNow('GET', path)).json.result.name).toBe('Sandbox Integration')
  expect((await started.serviceNow('POST', '/api/now/table/sys_user', {})).status).toBe(405)
})

test.each([
  ['GET', '/api/now/table/u_nothing', 400, { message: 'Invalid table u_nothing', detail: null }],
  ['GET', '/api/now/table/constructor', 400, { message: 'Invalid table constructor', detail: null }],
  [
    'GET',
    `${table}/${'0'.repeat(32)}`,
    404,
    { message: 'No Record found', detail: "Record doesn't exist or ACL restricts the record retrieval" },
  ],
  [
    'PATCH',
    `${table}/${'0'.repeat(32)}`,
    404,
    { message: 'No Record found', detail: "Record doesn't exist or ACL restricts the record retrieval" },
  ],
  ['GET', '/api/now/nothing', 400, { message: 'Requested URI does not represent any resource', detail: null }],
  ['DELETE', table, 405, { message: 'Method not supported' }],
])('ServiceNow rejects %s %s with %i', async (method, path, expected, error) => {
  const { status, json } = await started.serviceNow(method, path, method === 'GET' ? undefined : {})
  expect(status).toBe(expected)
  expect(json).toMatchObject({ error, status: 'failure' })
})

test('ServiceNow rejects a body that is too large or not a JSON object', async () => {
  const wrong = await started.serviceNow('POST', table, '{"short_description"')
  expect([wrong.status, wrong.json.error.message]).toEqual([400, 'Exception while reading request'])
  const large = await started.serviceNow('POST', table, { description: 'x'.repeat(1024 * 1024) })
  expect([large.status, large.json.error.message]).toEqual([413, 'Exception while reading request'])
  const form = { authorization: basic(demo.serviceNow), 'content-type': 'application/x-www-form-urlencoded' }
  expect((await started.call('POST', `/servicenow${table}`, 'a=b', form)).status).toBe(415)
  expect(started.sandbox.serviceNow.incidents('')).toEqual([])
})

test('ServiceNow shows an incident on a page, escaped and without scripts', async () => {
  const { sys_id } = await open({ short_description: '<b>"down"</b>', description: '<script>alert(1)</script>' })
  await patch(sys_id, { ...resolved, work_notes: 'Checked <it>' })
  const [{ url }] = (await started.call('GET', '/incidents')).json
  expect(url).toBe(`${started.origin}/sandbox/servicenow/nav_to.do?uri=incident.do%3Fsys_id%3D${sys_id}`)
  const answer = await fetch(url)
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  const text = await answer.text()
  for (const shown of ['INC0010001', '&lt;b&gt;&quot;down', '&lt;script&gt;', 'Resolved', 'Rolled back.', '&lt;it&gt;'])
    expect(text).toContain(shown)
  expect(text).not.toContain('<script>')
  const plain = url.replace('uri=incident.do%3Fsys_id%3D', 'uri=incident.do?sys_id=')
  expect(await (await fetch(plain)).text()).toBe(text)
  expect((await fetch(url.replace(sys_id, '0'.repeat(32)))).status).toBe(404)
})
