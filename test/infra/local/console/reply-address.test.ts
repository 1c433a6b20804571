import type { IncomingMessage } from 'node:http'
import { expect, it } from '@jest/globals'
import { inboundOf } from '../../../../infra/local/console/inbound.ts'
import { maskRequest } from '../../../../infra/local/console/masked-request.ts'
import { rerunOf } from '../../../../infra/local/console/rerun.ts'

const ADDRESS = 'https://n8n.example.com/wait/7?sig=a-Secret'
const request = (body: string, headers: object = {}, query = 'mode=interactive') => {
  const url = `/v1/load-testing/start-test?${query}`
  return inboundOf({ method: 'POST', url, headers } as IncomingMessage, Buffer.from(body))
}

it.each<[string, Parameters<typeof request>, object]>([
  ['a text', [JSON.stringify({ id: 'a', callback: ADDRESS, n: 1 })], { body: '{"id":"a","callback":"***","n":1}' }],
  ['an object', [JSON.stringify({ callback: { url: ADDRESS } })], { body: '{"callback":"***"}' }],
  [
    'two URLs',
    [JSON.stringify({ callback: { urls: { pass: `${ADDRESS}{}"`, fail: ADDRESS } }, id: 'a' }, null, 1)],
    { body: '{\n "callback": "***",\n "id": "a"\n}' },
  ],
  [
    'a JSON escape',
    ['{"callback":"https:\\/\\/n8n.example.com\\/?sig\\u003da-Secret","id":"a"}'],
    { body: '{"callback":"***","id":"a"}' },
  ],
  ['a body that is cut', [`{"id":"a","callback":{"urls":{"pass":"${ADDRESS}`], { body: '{"id":"a","callback":"***"' }],
  ['a form', [`id=a&callback=${encodeURIComponent(ADDRESS)}&b=1`], { body: 'id=a&callback=***&b=1' }],
  ['a form with dots', [`callback.urls.pass=${ADDRESS}&b=1`], { body: 'callback.urls.pass=***&b=1' }],
  ['a token', [JSON.stringify({ taskToken: 'a-Secret', input: {} })], { body: '{"taskToken":"***","input":{}}' }],
  ['a header', ['{}', { 'callback-url': ADDRESS }], { headers: { 'callback-url': '***' } }],
  ['a query', ['{}', {}, `callback=${ADDRESS}`], { query: 'callback=***' }],
])('a call with a reply address as %s is stored without it, and cannot run again', (_what, parameters, stored) => {
  const inbound = request(...parameters)
  expect(inbound).toMatchObject(stored)
  expect(JSON.stringify(inbound)).not.toContain('a-Secret')
  const reason = /address for its answer is a credential|its body is not JSON/
  expect(() => rerunOf(inbound)).toThrow(reason)
})

it('a call without a reply address can run again', () => {
  const body = JSON.stringify({ id: 'a', input: { target: 'the callback of "callback": x' } })
  expect(rerunOf(request(body, { authorization: 'Bearer of-a-caller' })).body).toMatchObject({
    input: { target: 'the callback of "callback": x' },
  })
})

it.each<[string, Parameters<typeof rerunOf>[0], RegExp]>([
  ['another function has invoked', undefined, /another function invoked its task/],
  ['is signed', request('{"id":"a"}', { 'x-hub-signature-256': 'sha256=0a' }), /no token, and a signature is valid/],
])('a call that %s cannot run again, and the reason is named', (_what, inbound, reason) => {
  expect(() => rerunOf(inbound)).toThrow(reason)
})

it('a request to a reply address and its response are stored without parts of the address', () => {
  const sent = {
    kind: 'request',
    at: 0,
    ms: 1,
    method: 'POST',
    url: 'https://n8n.example.com/wait/run7-a1?sig=a-Secret',
    headers: { 'content-type': 'application/json' },
    body: '{"id":"a"}',
    status: 500,
    requestId: 'r',
    responseHeaders: { location: '/wait/run7-a1' },
    responseBody: '{"error":"no run7-a1, no sig a-Secret"}',
  } as const
  const exchange = maskRequest(sent, 'the callback URL')
  expect(exchange).toMatchObject({ query: '', responseBody: '{"error":"no ***, no sig ***"}' })
  expect(JSON.stringify(exchange)).not.toMatch(/run7-a1|a-Secret/)
  expect(maskRequest({ ...sent, url: 'https://n8n.example.com/run7-a1' }, '/run7-a1').responseBody).toContain('run7-a1')
})
