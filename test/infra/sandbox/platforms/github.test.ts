import { expect, test } from '@jest/globals'
import { useSandbox } from './use.ts'

const started = useSandbox()
const shop = '/repos/acme/shop/issues'

const open = async (title: string, path = shop) => {
  const { status, json } = await started.github('POST', path, { title })
  expect(status).toBe(201)
  return json
}

test('A GitHub repository exists from its first use, in any letter case', async () => {
  expect((await open('One')).number).toBe(1)
  expect((await open('Two', '/repos/ACME/shop/issues')).number).toBe(2)
  expect((await open('Other', '/repos/acme/other/issues')).number).toBe(1)
})

test.each([
  ['no title', {}, { resource: 'Issue', field: 'title', code: 'missing_field' }],
  ['a blank title', { title: ' ' }, { field: 'title', code: 'missing_field' }],
  ['a title that is a list', { title: [] }, { field: 'title', code: 'invalid' }],
  ['a title over 256 characters', { title: 'x'.repeat(257) }, { field: 'title', code: 'custom' }],
  ['a body that is a number', { title: 'x', body: 1 }, { field: 'body', code: 'invalid' }],
  ['a body over 65536 characters', { title: 'x', body: 'x'.repeat(65_537) }, { field: 'body', code: 'custom' }],
  ['labels that are text', { title: 'x', labels: 'bug' }, { field: 'labels', code: 'invalid' }],
  ['a label over 50 characters', { title: 'x', labels: ['x'.repeat(51)] }, { resource: 'Label', field: 'name' }],
  ['an unknown assignee', { title: 'x', assignees: ['unknown-user'] }, { field: 'assignees', value: 'unknown-user' }],
  ['an invalid milestone', { title: 'x', milestone: 'soon' }, { field: 'milestone', code: 'invalid' }],
])('GitHub rejects a new issue with %s and names the field', async (_, body, error) => {
  const { status, json } = await started.github('POST', shop, body)
  expect(status).toBe(422)
  expect(json).toMatchObject({ message: 'Validation Failed', errors: [error] })
  expect(json.documentation_url).toMatch(/^https:\/\/docs\.github\.com\/rest\//)
  expect(started.sandbox.github.issues('')).toEqual([])
})
