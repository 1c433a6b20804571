import { describe, expect, test } from '@jest/globals'
import { configcat } from '../../../functions/feature-flags/providers/configcat.ts'
import { startConfigCat } from '../../../infra/platforms/configcat.ts'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { flagPlatforms } from '../../e2e/platforms.ts'
import { expectFailure, startEach } from '../helpers.ts'
import { flagDriver } from './drive.ts'

const server = startEach(startConfigCat)
const provider = configcat as unknown as FlagProvider
const { set } = flagDriver(provider, () => {
  const { url: baseUrl, username, password, product } = server
  return { baseUrl, username, password, product, config: 'Main', environment: 'production' }
})
const patches = () => server.calls.filter(({ method }) => method === 'PATCH').map(({ body }) => body)
const flag = () => server.state.values['production']?.['checkout-v2']

flagConformance(provider, flagPlatforms['configcat'], { defaults: { baseUrl: 'https://api.configcat.com' } })

describe.each(['v1', 'v2'] as const)('ConfigCat, evaluation version %s', (evaluationVersion) => {
  test('turns a flag on and off, rolls it out, and ends the rollout', async () => {
    server.state.evaluationVersion = evaluationVersion
    expect(await set({ state: 'on' })).toMatchObject({ data: { after: { state: 'on', percentage: 100 } } })
    expect(await set({ percentage: 25 })).toMatchObject({ data: { after: { state: 'on', percentage: 25 } } })
    expect(flag()).toEqual({ value: false, percentage: 25 })
    expect(await set({ percentage: 0 })).toMatchObject({ data: { after: { state: 'on', percentage: 0 } } })
    expect(await set({ percentage: 100 })).toMatchObject({ data: { after: { state: 'on', percentage: 100 } } })
    expect(flag()).toEqual({ value: true })
    expect(await set({ state: 'on', percentage: 50 })).toMatchObject({ data: { after: { percentage: 50 } } })
    expect(await set({ state: 'off' })).toMatchObject({ data: { after: { state: 'off' } } })
    expect(flag()).toEqual({ value: false })
    expect(patches()).toHaveLength(6)
  })
})

describe('ConfigCat', () => {
  test('refuses a percentage of a flag that is off', async () => {
    await expectFailure(set({ percentage: 25 }), 'refused', 'checkout-v2 is off')
    await expectFailure(set({ state: 'off', percentage: 25 }), 'invalid', 'ConfigCat stores none')
    expect(patches()).toEqual([])
  })

  test('refuses a setting that is not boolean, and an unknown config', async () => {
    await expectFailure(set({ flag: 'banner', state: 'on' }), 'refused', 'banner is a setting of the type string')
    await expectFailure(set({ state: 'on' }, {}, { config: 'Other' }), 'refused', 'no config "Other"', 'Known: Main')
  })

  test('sends the comment as the reason, which a product may require', async () => {
    server.state.reasonRequired = true
    await expectFailure(set({ state: 'on' }), 'refused', 'Reason is required.')
    await set({ state: 'on', comment: 'Launch' })
    expect(server.state.reasons).toEqual(['Launch'])
  })

  test('finds the environment by its id, and links to it', async () => {
    const environment = '08d86d63-272c-4355-8027-4b52787bc1bd'
    const { data } = await set({ state: 'on', environment })
    expect(data['url']).toMatch(new RegExp(`^https://app.configcat.com/.+/.+/${environment}$`))
    expect(server.state.values['test']?.['checkout-v2']).toEqual({ value: true })
  })
})
