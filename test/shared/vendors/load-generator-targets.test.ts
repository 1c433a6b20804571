import { expect, test } from '@jest/globals'
import { isReserved, lookupPublic } from '../../../shared/vendors/load-generator/addresses.ts'
import { isAllowedTarget, problemOf } from '../../../shared/vendors/load-generator/allowed-targets.ts'

const words = (text: string) => text.trim().split(/\s+/)
const allowed = ['https://shop.example.com/api/', 'http://127.0.0.1:8080']

test.each([
  ...words(`
    https://shop.example.com/api https://shop.example.com/api/cart?x=1 https://SHOP.example.com:443/api/cart
    http://127.0.0.1:8080/anything
  `).map((url) => [true, url] as const),
  ...words(`
    https://shop.example.com/apis https://shop.example.com/api/../admin https://shop.example.com/
    http://shop.example.com/api https://shop.example.com:8443/api https://shop.example.com.evil.example/api
    http://127.0.0.1:9001/
  `).map((url) => [false, url] as const),
])('Built-in generator: allows (%s) the target %s', (allows, url) => {
  expect(isAllowedTarget(new URL(url), allowed)).toBe(allows)
})

test.each(
  words(`
    shop.example.com/api https://user@shop.example.com/api https://shop.example.com@evil.example/api
    https://shop.example.com/api/%2e%2e%2fadmin https://shop.example.com/api/..%5Cadmin
    https://shop.example.com/api/%252e%252e/admin https://shop.example.com/api/%25252e%25252e/admin
    https://shop.example.com/api/%c0%ae%c0%ae/admin https://shop.example.com/api/%25c0%25af/admin
    https://shop.example.com/api/%e0%80%ae/admin https://shop.example.com/api/%f0%80%80%ae/admin
    https://shop.example.com/api/..;/admin https://shop.example.com/api/.;a=1/admin
    https://shop.example.com/api#x file:///etc/passwd
  `),
)('Built-in generator: rejects the target %s', (url) => {
  expect(problemOf(url)).toBeDefined()
})

test.each(words('https://shop.example.com/api/100%25 https://shop.example.com/api/caf%C3%A9/%E2%82%AC/%F0%9F%9A%80'))(
  'Built-in generator: accepts the target %s',
  (url) => {
    expect(problemOf(url)).toBeUndefined()
  },
)

test.each([
  ...words(`
    127.0.0.1 0.0.0.0 169.254.169.254 169.254.170.2 ::1 fe80::1 fd00:ec2::254 ::ffff:169.254.169.254
    64:ff9b::a9fe:a9fe 64:ff9b:1::a9fe:a9fe 64:ff9b:1:7f00:1:: ::127.0.0.1 ::169.254.169.254 ::ffff:0:127.0.0.1
    ::ffff:0:a9fe:a9fe
  `).map((address) => [true, address] as const),
  ...words('64:ff9b::808:808 ::ffff:0:808:808 10.1.2.3 192.168.1.1 fd12::1 93.184.215.14 2606:2800:21f::1').map(
    (address) => [false, address] as const,
  ),
])('Built-in generator: refuses (%s) a name that resolves to %s', (isRefused, address) => {
  expect(isReserved(address)).toBe(isRefused)
})

test('Built-in generator: a call does not resolve a name', async () => {
  const found = (name: string) =>
    new Promise((resolve) => lookupPublic(name, { all: true }, (error, list) => resolve(error?.message ?? list)))
  expect(await found('169.254.169.254')).toBe(
    '169.254.169.254 resolves to 169.254.169.254, which the connection must allow by its address',
  )
  expect(await found('10.1.2.3')).toEqual([{ address: '10.1.2.3', family: 4 }])
})
