import { expect, test } from '@jest/globals'
import { useSandbox } from './use.ts'

const started = useSandbox()
const table = '/api/now/table/incident'
const resolved = { state: '6', close_code: 'Solution provided', close_notes: 'Rolled back.' }

const open = async (fields: object = {}) =>
  (await started.serviceNow('POST', table, { short_description: 'Slow checkout', ...fields })).json.result
const get = async (id: string, query = '') => (await started.serviceNow('GET', `${table}/${id}${query}`)).json.result
const patch = (id: string, fields: unknown, query = '') => started.serviceNow('PATCH', `${table}/${id}${query}`, fields)

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

test('The page of an incident has an address that people can type', async () => {
  const { sys_id } = await open(resolved)
  const page = (rest: string) => started.call('GET', `/servicenow/nav_to.do?uri=incident.do${rest}`)
  const { text } = await page(`%3Fsys_id%3D${sys_id}`)
  expect(text).toContain('INC0010001')
  expect((await page(`?sys_id=${sys_id}`)).text).toBe(text)
  expect((await page(`?sys_id=${'0'.repeat(32)}`)).status).toBe(404)
})
