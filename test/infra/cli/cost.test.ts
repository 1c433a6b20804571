import { describe, expect, it, jest } from '@jest/globals'
import { cdkSettings } from '../../../infra/aws/cdk-settings.ts'
import { categories } from '../../../infra/project/categories.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { webhooks } from './webhooks.ts'

interface Costs {
  total: number
  idle: { part: string; dollars: number }[]
  calls: { part: string; quantity: number; dollars: number }[]
}

async function cost(options = ''): Promise<Costs> {
  return JSON.parse((await webhooks(`cost --json ${options}`)).out)
}

const folder = temporaryFolder()

describe('webhooks cost', () => {
  it('computes a month of the settings in cdk.json', async () => {
    expect(await cost()).toMatchObject({ total: 16.1, calls: [] })
    expect(await cost('--observability minimal --connections 5')).toMatchObject({ total: 6.9 })
  })

  it('says that it uses the defaults if cdk.json has no settings', () => {
    const say = jest.fn()
    expect(cdkSettings(folder, say).enabled).toEqual(categories)
    expect(say).toHaveBeenCalledWith(expect.stringContaining('cdk.json has no settings'))
    say.mockClear()
    cdkSettings(undefined, say)
    expect(say).not.toHaveBeenCalled()
  })

  it('adds the calls and the polls of jobs', async () => {
    const { calls } = await cost('--silent 1000000 --job 1000@PT20M --job 10@P1D')
    // 41 polls in 20 minutes, 776 in a day, and 4 other operations.
    expect(calls.find(({ part }) => part === 'Lambda, durable operations')?.quantity).toBeCloseTo(0.0528, 5)
    expect(calls.find(({ part }) => part === 'API Gateway, REST')?.dollars).toBe(3.5)
  })

  it('adds fewer polls, and the notifications, for jobs of whose end a source notifies the deployment', async () => {
    const { calls } = await cost('--notified-job 1000@PT20M --notified-job 10@P1D')
    // 9 polls in 20 minutes, 152 in a day, and 7 other operations.
    expect(calls.find(({ part }) => part === 'Lambda, durable operations')?.quantity).toBeCloseTo(0.0176, 4)
    expect(calls.find(({ part }) => part === 'API Gateway, REST')?.quantity).toBeCloseTo(0.00202, 5)
  })

  it('prints a table with the sum', async () => {
    const { out } = await webhooks('cost --silent 20000')
    expect(out).toMatch(/^part +amount +price +dollars\n/)
    expect(out).toContain('US dollars per month: 16.10 regardless of calls')
  })
})
