import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from '@jest/globals'
import { categories } from '../../../../functions/index.ts'
import { localSecrets } from '../../../../infra/local/secrets.ts'
import {
  connectionsToGenericApi,
  genericApiConnections,
} from '../../../../infra/sandbox/platforms/generic-api/connections.ts'
import { clientOf } from '../../../functions/helpers.ts'
import { useClock, useSandbox } from './use.ts'

const started = useSandbox()
const goTo = useClock(Date.parse('2026-11-24T10:00:00Z'))
const tool = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  started.tool(method, `/${path}`, body, headers)

describe('The generic API', () => {
  it('creates, updates and closes tickets, and finds them by ref', async () => {
    expect((await tool('POST', 'tickets', { title: 'Slow', ref: 'a' })).json).toMatchObject({
      id: '1',
      number: 'T-1',
      status: 'open',
      links: { html: `${started.origin}/sandbox/tool#T-1` },
    })
    await tool('PATCH', 'tickets/1', { status: 'working' })
    await tool('POST', 'tickets/1/notes', { text: 'Still', ref: 'b' })
    expect((await tool('GET', 'tickets/1/notes?ref=b')).json.items).toHaveLength(1)
    expect((await tool('GET', 'tickets/1/notes?ref=c')).json.items).toEqual([])
    await tool('POST', 'tickets/1/close', { reason: 'fixed' })
    expect((await tool('GET', 'tickets?ref=a')).json.items).toMatchObject([{ id: '1', status: 'closed' }])
    expect((await tool('GET', 'tickets?ref=b')).json.items).toEqual([])
    expect((await started.call('GET', '/tickets')).json).toMatchObject([{ number: 'T-1' }])
  })

  it('runs jobs that end after a time or when they are canceled', async () => {
    await tool('POST', 'jobs/report/runs', { arguments: { seconds: 0 }, ref: 'a' })
    await tool('POST', 'jobs/report/runs', { arguments: { outcome: 'hang' } })
    expect((await tool('GET', 'runs?ref=a')).json.items).toMatchObject([{ id: '1', arguments: { seconds: '0' } }])
    expect((await tool('DELETE', 'runs/2')).status).toBe(204)
    goTo(1_200)
    expect((await tool('GET', 'runs/1')).json).toMatchObject({ status: 'succeeded', results: { seconds: 0 } })
    expect((await tool('GET', 'runs/2')).json).toMatchObject({ status: 'cancelled' })
    expect((await started.call('GET', '/runs')).json).toMatchObject([{ platform: 'tool' }, { platform: 'tool' }])
  })

  it('rolls deployments back', async () => {
    await tool('POST', 'deployments/checkout/rollback', { ref: 'a' })
    expect((await tool('GET', 'runs?ref=a')).json.items).toMatchObject([
      { id: '1', job: 'rollback of checkout', arguments: { version: 'previous' } },
    ])
  })

  it('stores flags by environment', async () => {
    await tool('PATCH', 'environments/staging/flags/checkout-v2', { enabled: true, rollout: 25 })
    expect((await tool('GET', 'environments/staging/flags/checkout-v2')).json).toMatchObject({
      enabled: true,
      rollout: 25,
    })
    expect((await tool('GET', 'environments/production/flags/checkout-v2')).json).toMatchObject({ enabled: false })
    expect((await tool('GET', 'environments/production/flags/other')).status).toBe(404)
    expect((await tool('PATCH', 'environments/production/flags/checkout-v2', { enabled: 1 })).status).toBe(422)
  })

  it('sends a message with an idempotency key once', async () => {
    const post = (key: string) => tool('POST', 'rooms/ops/messages', { title: 'Hi' }, { 'idempotency-key': key })
    expect((await post('a')).json).toEqual((await post('a')).json)
    await post('b')
    expect((await tool('GET', 'rooms/ops/messages')).json.items).toHaveLength(2)
  })

  it('returns values that a person sets', async () => {
    const value = async (name: string) =>
      (await tool('GET', `series/${name}/value?from=2026-11-24T10:00:00Z&to=2026-11-24T10:05:00Z`)).json
    expect(await value('checkout-p95')).toEqual({ value: 312 })
    await tool('PUT', 'series/checkout-p95', { value: 700 })
    expect(await value('checkout-p95')).toEqual({ value: 700 })
    await tool('PUT', 'series/checkout-p95', {})
    expect(await value('checkout-p95')).toMatchObject({ value: null })
    expect(await value('other')).toEqual({ message: 'unknown series other' })
    expect((await tool('GET', 'series/checkout-p95/value')).status).toBe(422)
  })

  it('rejects another token, and unknown paths and methods', async () => {
    expect((await started.call('GET', '/tool/me')).status).toBe(401)
    expect((await tool('GET', 'nothing')).status).toBe(404)
    expect(await tool('DELETE', 'me')).toMatchObject({ status: 404, json: { message: 'unknown operation DELETE /me' } })
    expect((await tool('POST', 'tickets', {})).json).toEqual({ message: 'title is missing' })
    expect((await tool('POST', 'tickets', '{')).status).toBe(400)
  })

  it('injects faults and shows all records on a page, escaped', async () => {
    await tool('POST', 'tickets', { title: '<script>' })
    await started.call('POST', '/faults', { target: 'tool', kind: '503', count: 1 })
    expect((await tool('GET', 'me')).status).toBe(503)
    const { text } = await started.call('GET', '/tool/')
    expect(text).toContain('&lt;script&gt;')
    expect(text).toContain('checkout-v2')
  })
})

describe('The connections to the generic API', () => {
  test('match docs/http.md', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../../docs/http.md'), 'utf8')
    const blocks = [...text.matchAll(/^```json\n(.*?)^```/gms)].map(([, block = '']) => JSON.parse(block))
    const reached = { provider: 'http', baseUrl: 'https://tool.example.com/api', token: '<token>' }
    expect(blocks).toEqual(Object.values(genericApiConnections).map((connection) => ({ ...reached, ...connection })))
  })

  const all = categories.flatMap((category) =>
    Object.entries(connectionsToGenericApi(category, 'http://127.0.0.1:8787')).map(([name]) => ({ category, name })),
  )

  test.each(all.map(({ category, name }) => [`${category.name}/${name}`, category] as const))(
    '%s works.',
    async (path, category) => {
      const secret = localSecrets(started.origin).get(`cloud-automation-webhooks/connections/${path}`)
      const { provider: kind, ...fields } = JSON.parse(secret ?? '{}')
      const provider = await category.providers[kind]?.()
      if (!provider) throw new Error(`${path} leads to no provider`)
      const client = clientOf(provider, provider.connection.parse(fields))
      expect(await provider.check(client)).toBeDefined()
    },
  )

  test('exist for each category', () => {
    for (const { name } of categories) {
      const names = localSecrets(started.origin).names()
      expect(names).toContain(`cloud-automation-webhooks/connections/${name}/tool`)
      expect(names).toContain(`cloud-automation-webhooks/connections/${name}/default`)
    }
  })
})
