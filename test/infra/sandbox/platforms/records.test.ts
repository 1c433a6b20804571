import { describe, expect, test } from '@jest/globals'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { waitForAll } from '../../../wait-for-all.ts'
import { recordKinds } from './records.ts'
import { clientsOf, start, statusOf } from './start.ts'
import { stopClock, useSandbox } from './use.ts'

const started = useSandbox()
const state = temporaryFolder()
const EVIL = `<script>alert("x")</script>'`
const list = async (name: string) => (await started.call('GET', `/${name}`)).json

describe.each(Object.entries(recordKinds))('A %s', (_, kind) => {
  const write = (text = 'One') => kind.write(started, text)
  const expectListed = async () => {
    const [record] = await list(kind.list)
    expect(record).toMatchObject(kind.shows('One', `${started.origin}/sandbox`))
  }
  /** Writes a record with HTML in it and returns the URL of its page. */
  const pageUrl = async () => {
    const [before] = await list(kind.list)
    await write(EVIL)
    const [record = before] = await list(kind.list)
    return kind.page ? `${started.origin}/sandbox${kind.page}` : (record.html_url ?? record.url)
  }

  test('is listed and described to the observer', async () => {
    expect((await write()).status).toBeLessThan(300)
    await expectListed()
    expect(started.seen.at(-1)).toMatchObject({ target: kind.target, method: 'POST', note: kind.note })
    expect(await list('requests')).toMatchObject([{ target: kind.target, method: 'POST', fault: null }])
  })

  test('has a page that escapes its text and runs no scripts', async () => {
    const page = await fetch(await pageUrl())
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const policy = page.headers.get('content-security-policy')
    expect(policy).toMatch(/default-src 'none'.*form-action 'self'/)
    expect(policy).not.toContain('script-src')
    expect(await page.text()).not.toMatch(/<script|alert\("x"\)/)
  })

  test('is shown only to requests with a local host name', async () => {
    const url = await pageUrl()
    for (const [host, status] of [
      ['evil.example', 403],
      ['127.0.0.1.evil.example', 403],
      ['localhost:8787', 200],
    ] as const) {
      expect(await statusOf(url, { host })).toBe(status)
      expect(await statusOf(`${started.origin}/sandbox/${kind.list}`, { host })).toBe(status)
    }
  })

  test('is written by a fault after the request, and not by one before', async () => {
    const before = await list(kind.list)
    await started.call('POST', '/faults', { target: kind.target, kind: 'reset', count: 1 })
    await expect(write()).rejects.toThrow()
    expect(await list(kind.list)).toEqual(before)
    await started.call('POST', '/faults', { target: kind.target, kind: 'reset', after: true, count: 1 })
    await expect(write()).rejects.toThrow()
    await expectListed()
  })

  test('is deleted by DELETE /sandbox, and the numbers start again', async () => {
    const before = await list(kind.list)
    await write('Old')
    expect((await started.call('DELETE', '')).status).toBe(204)
    expect(await list(kind.list)).toEqual(before)
    await write()
    await expectListed()
  })

  test('needs credentials', async () => {
    const before = await list(kind.list)
    // Toxiproxy has no credentials, but rejects browsers.
    const anonymous = clientsOf((method, path, body) =>
      started.call(method, path, body, { 'user-agent': 'Mozilla/5.0' }),
    )
    const { status, json } = await kind.write({ ...started, ...anonymous }, 'One')
    expect(json?.ok === false ? 401 : status).toEqual(['rundeck', 'toxiproxy'].includes(kind.target) ? 403 : 401)
    expect(await list(kind.list)).toEqual(before)
  })
})

test('Every record survives a restart of the sandbox', async () => {
  // Runs end with time.
  stopClock()
  const names = ['faults', 'requests', ...new Set(Object.values(recordKinds).map((kind) => kind.list))]
  const lists = (from: typeof started) =>
    waitForAll(names.map(async (name) => [name, (await from.call('GET', `/${name}`)).json]))
  const first = await start(state)
  for (const { write } of Object.values(recordKinds)) await write(first, 'One')
  await first.call('POST', '/faults', { target: 'sso', kind: '503', count: 2 })
  await first.call('POST', '/sso/oauth2/token')
  const before = await lists(first)
  await first.stop()
  const second = await start(state)
  const withoutOrigin = (value: unknown) => JSON.stringify(value).replace(/http:\/\/127\.0\.0\.1:\d+/g, '')
  expect(withoutOrigin(await lists(second))).toBe(withoutOrigin(before))
  await second.stop()
})
