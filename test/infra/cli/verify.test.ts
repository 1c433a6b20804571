import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { categories } from '../../../functions/index.ts'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { Service } from '../../e2e/service.ts'
import { webhooks } from './webhooks.ts'

const service = new Service({ timeScale: 20 })
beforeAll(() => service.start())
afterAll(() => service.end())

const run = (args: string[], token: string = demo.callerToken) =>
  webhooks([...args, '--url', service.url, '--token', token])

describe('webhooks verify', () => {
  it('passes each category without calling a platform', async () => {
    const { code, out } = await run(['verify', '--json'])
    const results = JSON.parse(out) as { category: string; verdict: string }[]
    expect(code).toBe(0)
    expect(results.map(({ category }) => category)).toEqual(categories.map(({ name }) => name))
    for (const { category, ...result } of results)
      expect({ category, result }).toEqual({
        category,
        result: {
          verdict: 'pass',
          silent: { verdict: 'pass', ms: expect.any(Number) },
          interactive: { verdict: 'pass', ms: expect.any(Number), taskId: expect.any(String) },
        },
      })
  })

  it('fails with the reason for each category', async () => {
    const { code, out } = await run(['verify', '--category', 'slo'], 'a-wrong-token')
    expect([code, out]).toEqual([1, expect.stringMatching(/slo +fail .*HTTP 401/)])
  })
})
