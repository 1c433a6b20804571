import { describe, expect, test } from '@jest/globals'
import { configcat } from '../../../../functions/feature-flags/configcat/configcat.ts'
import { flagConformance } from '../../../conformance/flag.ts'
import { withState } from '../../../conformance/job.ts'
import { flagRow } from './fake.ts'

const test1 = '08d86d63-272c-4355-8027-4b52787bc1bd'
const { server, set, calls } = flagConformance(configcat, flagRow, {
  defaults: { baseUrl: 'https://api.configcat.com' },
  invalidInputs: [{ input: { state: 'off', percentage: 25 }, message: 'ConfigCat stores none' }],
  refused: [
    { input: { percentage: 25 }, reason: 'checkout-v2 is off' },
    { input: { flag: 'banner', state: 'on' }, reason: 'banner is a setting of the type string' },
    {
      input: { state: 'on' },
      reason: 'no config "Other", or the credentials may not read it. Known: Main.',
      connection: { config: 'Other' },
    },
    { input: { state: 'on' }, reason: 'Reason is required.', change: withState({ reasonRequired: true }) },
  ],
  sets: [
    {
      input: { state: 'on', environment: test1 },
      outcome: { data: { url: expect.stringMatching(new RegExp(`^https://app.configcat.com/.+/.+/${test1}$`)) } },
    },
  ],
})
const flag = (environment = 'production') => server.state.values[environment]?.['checkout-v2']

describe.each([
  ['v1', false],
  ['v2', true],
  ['v2', false],
] as const)('ConfigCat, evaluation version %s, with targeting rules: %s', (evaluationVersion, hasRules) => {
  test('turns a flag on and off, rolls it out, and ends the rollout', async () => {
    Object.assign(server.state, { evaluationVersion, hasRules })
    expect(await set({ state: 'on' })).toMatchObject({ data: { after: { state: 'on', percentage: 100 } } })
    expect(await set({ percentage: 25 })).toMatchObject({ data: { after: { state: 'on', percentage: 25 } } })
    expect(flag()).toEqual({ value: false, percentage: 25 })
    expect(await set({ percentage: 0 })).toMatchObject({ data: { after: { state: 'on', percentage: 0 } } })
    expect(await set({ percentage: 100 })).toMatchObject({ data: { after: { state: 'on', percentage: 100 } } })
    expect(flag()).toEqual({ value: true })
    expect(await set({ state: 'on', percentage: 50 })).toMatchObject({ data: { after: { percentage: 50 } } })
    expect(await set({ state: 'off' })).toMatchObject({ data: { after: { state: 'off' } } })
    expect(flag()).toEqual({ value: false })
    expect(calls('PATCH')).toHaveLength(6)
  })
})

test('ConfigCat: set-flag finds an environment by its id, and sends the comment as the reason', async () => {
  server.state.reasonRequired = true
  await set({ state: 'on', comment: 'Launch', environment: test1 })
  expect(server.state.reasons).toEqual(['Launch'])
  expect(flag('test')).toEqual({ value: true })
})
