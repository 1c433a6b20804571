import { describe, expect, test } from '@jest/globals'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const project = '/api/admin/projects/default'
const flag = `${project}/features/slow-recommendations`
const inProduction = `${flag}/environments/production`
const reviewer = { authorization: demo.unleash.reviewerToken }

const ok = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
  const { status, json } = await started.unleash(method, path, body, headers)
  expect({ path, status }).toEqual({ path, status: 200 })
  return json
}

describe('Unleash: an environment with change requests', () => {
  const requests = `${project}/change-requests`
  const path = `${project}/environments/production-guarded/change-requests`
  const off = { feature: 'slow-recommendations', action: 'updateEnabled', payload: { enabled: false } }
  const move = async (id: number, state: string, headers?: Record<string, string>) => {
    const { status, json } = await started.unleash('PUT', `${requests}/${id}/state`, { state }, headers)
    return status === 200 ? json.state : status
  }

  test('adds a further change to the open request of the person and resets its approval', async () => {
    await ok('POST', path, off)
    await move(1, 'In review')
    await move(1, 'Approved', reviewer)
    const features = [{ name: 'slow-recommendations' }, { name: 'checkout-v2' }]
    const changed = { id: 1, state: 'In review', approvals: [], features }
    expect(await ok('POST', path, { ...off, feature: 'checkout-v2' })).toMatchObject(changed)
    expect((await ok('POST', path, off, reviewer)).id).toBe(2)
    const pending = async (headers = {}) =>
      (await ok('GET', `${requests}/pending`, undefined, headers)).map(({ id }: { id: number }) => id)
    expect([await pending(), await pending(reviewer)]).toEqual([[1], [2]])
  })

  test('changes the title and adds a comment', async () => {
    await ok('POST', path, off)
    await ok('PUT', `${requests}/1/title`, { title: 'Switch it off' })
    await ok('PUT', `${requests}/1/state`, { state: 'In review', comment: 'Please' })
    expect(await ok('GET', `${requests}/1`)).toMatchObject({
      title: 'Switch it off',
      comments: [{ text: 'Please', createdBy: { username: 'webhooks' } }],
    })
  })

  test('shows the next steps on the page of a request, with commands', async () => {
    await ok('POST', path, off)
    await move(1, 'In review')
    const { text } = await started.call('GET', '/unleash/projects/default/change-requests/1')
    expect(text).toContain(demo.unleash.reviewerToken)
    expect(text).toContain(`${started.origin}/sandbox/unleash${requests}/1/state`)
    expect((await started.call('GET', '/unleash/projects/default/change-requests/10')).status).toBe(404)
  })
})

test('The page of a flag shows its state in each environment', async () => {
  await ok('POST', `${inProduction}/off`)
  const { text } = await started.call('GET', '/unleash/projects/default/features/slow-recommendations')
  for (const shown of ['development: on for 100 %', 'production: off for 100 %']) expect(text).toContain(shown)
  expect((await started.call('GET', '/unleash/projects/default/features/nope')).status).toBe(404)
})
