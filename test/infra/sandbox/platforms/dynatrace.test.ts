import { expect, test } from '@jest/globals'
import { useSandbox } from './use.ts'

const started = useSandbox()

const api = '/api/v2/slo'

const idOf = (name: string) => started.sandbox.dynatrace.slos('').find((slo) => slo.name === name)?.id ?? ''
const set = (form: string) => started.call('POST', '/dynatrace/set', form)
const list = async (query: Record<string, string>) => {
  const { status, json } = await started.dynatrace('GET', `${api}?${new URLSearchParams(query)}`)
  expect(status).toBe(200)
  return json
}

test.each([
  ['97.5', 'SUCCESS', 2.5],
  ['97.4', 'WARNING', 2.4],
  ['95', 'WARNING', 0],
  ['94.9', 'FAILURE', -0.1],
])('Dynatrace evaluates an SLO with the value %s as %s', async (value, status, errorBudget) => {
  expect((await set(`slo=casdemoapp&value=${value}`)).status).toBe(303)
  const answered = { evaluatedPercentage: Number(value), status, errorBudget, error: 'NONE', target: 95, warning: 97.5 }
  const id = idOf('casdemoapp')
  for (const query of ['', '?timeFrame=GTF&from=1767258000000&to=1767258300000', '?timeFrame=GTF&from=now-5m&to=now']) {
    const { json } = await started.dynatrace('GET', `${api}/${id}${query}`)
    expect(json).toMatchObject({ id, name: 'casdemoapp', ...answered })
  }
  const { slo } = await list({ sloSelector: 'name("casdemoapp")', evaluate: 'true' })
  expect(slo).toMatchObject([{ id, ...answered }])
})

test('Dynatrace evaluates an SLO without data to -1 and an error', async () => {
  await set(`slo=${idOf('shop')}&value=`)
  const { json } = await started.dynatrace('GET', `${api}/${idOf('shop')}`)
  expect(json).toMatchObject({ evaluatedPercentage: -1, error: 'NO_DATA', status: 'FAILURE' })
})

test('Dynatrace lists objectives with the values that a person sets on its page', async () => {
  const { headers } = await set('slo=checkout&value=50&warning=60&target=40')
  expect(headers.get('location')).toBe('/sandbox/dynatrace')
  const slos = (await started.call('GET', '/slos')).json
  expect(slos.map(({ name }: { name: string }) => name)).toEqual(['casdemoapp', 'checkout', 'shop'])
  expect(slos[1]).toEqual({
    id: idOf('checkout'),
    name: 'checkout',
    description: 'Requests to checkout that succeed',
    target: 40,
    warning: 60,
    value: 50,
    status: 'WARNING',
    url: `${started.origin}/sandbox/dynatrace/ui/slo?id=${idOf('checkout')}`,
  })
  for (const path of ['/dynatrace', `/dynatrace/ui/slo?id=${idOf('checkout')}`]) {
    const { text } = await started.call('GET', path)
    expect(text).toContain('Requests to checkout that succeed: 50 %, WARNING')
    expect(text).toContain('action="/sandbox/dynatrace/set"')
  }
  await started.call('DELETE', '')
  expect((await started.call('GET', '/slos')).json[1]).not.toMatchObject({ value: 50 })
})

test.each([
  ['slo=nope&value=1', 404],
  ['slo=shop&value=101', 400],
  ['slo=shop&value=-1', 400],
  ['slo=shop&value=much', 400],
  ['slo=shop&target=', 400],
  ['slo=shop&target=99', 400],
])('The page of Dynatrace rejects %s', async (form, status) => {
  const before = started.sandbox.dynatrace.slos('')
  expect((await set(form)).status).toBe(status)
  expect(started.sandbox.dynatrace.slos('')).toEqual(before)
})

test('Dynatrace rejects a form from another site', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' }
  expect((await started.call('POST', '/dynatrace/set', 'slo=shop&value=1', headers)).status).toBe(403)
})
