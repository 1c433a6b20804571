import { expect, test } from '@jest/globals'
import { useSandbox } from './use.ts'

const started = useSandbox()

const idOf = (name: string) => started.sandbox.dynatrace.slos('').find((slo) => slo.name === name)?.id ?? ''
const set = (form: string) => started.call('POST', '/dynatrace/set', form)

test('Dynatrace lists objectives with the values that a person sets on its page', async () => {
  const { headers } = await set('slo=checkout&value=50&warning=60&target=40')
  expect(headers.get('location')).toBe('/sandbox/dynatrace')
  const slos = (await started.call('GET', '/slos')).json
  expect(slos.map(({ name }: { name: string }) => name)).toEqual(['casdemoapp', 'checkout', 'shop'])
  expect(slos[1]).toEqual({
    ...{ id: idOf('checkout'), name: 'checkout', description: 'Requests to checkout that succeed' },
    ...{ target: 40, warning: 60, value: 50, status: 'WARNING' },
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
