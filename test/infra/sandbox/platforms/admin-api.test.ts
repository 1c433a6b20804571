import { expect, test } from '@jest/globals'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { finished } from './start.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const context = '08735340-6f9e-4b32-97ff-3b6c292bc509'

test('The sandbox lists requests with their faults and without secrets', async () => {
  await started.github('POST', '/repos/acme/shop/issues?token=query-secret', { title: 'body-secret' })
  await started.call('POST', '/faults', { target: 'keptn', kind: '503', count: 1 })
  await started.keptn('POST', '/api/v1/event', finished(context))
  await started.call('POST', '/sso/oauth2/token')

  const { text, json } = await started.call('GET', '/requests')
  const common = { at: expect.any(String), method: 'POST' }
  expect(json).toEqual([
    { ...common, target: 'github', path: '/repos/acme/shop/issues', status: 201, fault: null },
    { ...common, target: 'keptn', path: '/api/v1/event', status: 503, fault: '503' },
    { ...common, target: 'sso', path: '/oauth2/token', status: 400, fault: null },
  ])
  for (const secret of ['query-secret', 'body-secret', demo.githubToken, demo.keptnToken]) {
    expect(text).not.toContain(secret)
  }
  expect((await started.call('GET', '/requests?target=keptn')).json).toMatchObject([{ target: 'keptn' }])
  expect((await started.call('GET', '/requests?target=jira')).status).toBe(400)
})

test('An observer is called once for every request and every event', async () => {
  await started.keptn('POST', '/api/v1/event', finished(context))
  await started.call('GET', '/issues')
  expect(started.seen).toMatchObject([
    { target: 'keptn', method: 'EVENT', path: 'sh.keptn.event.openticket.finished', status: null, note: 'via api' },
    { target: 'keptn', method: 'POST', path: '/api/v1/event', status: 200 },
  ])
})

test.each([
  ['GET', '/jira', 404],
  ['GET', '', 404],
  ['GET', '/issues/1', 404],
  ['DELETE', '/issues', 405],
  ['PUT', '/faults', 405],
  ['DELETE', '/../elsewhere', 404],
])('The sandbox answers %s /sandbox%s with %d', async (method, path, status) => {
  expect((await started.call(method, path)).status).toBe(status)
})

test('An unknown path is answered with the known ones', async () => {
  const { message } = (await started.call('GET', '/jira')).json
  expect(message).toContain('github, servicenow, unleash, keptn, sso, shop, toxiproxy, databricks, rundeck')
})
