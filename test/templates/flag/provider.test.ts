import { describe, expect, test } from '@jest/globals'
import { setFlag } from '../../../shared/providers/set-flags.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { clientOf, failureOf, startEach } from '../../functions/helpers.ts'
import { flagRow, startAcme } from './fake.ts'
import { acme } from './provider.ts'

const server = startEach(startAcme)

const set = async (flag: string, percentage?: number) => {
  const changes = [{ flag, on: true, percentage }]
  const place = { environment: 'production', project: undefined, comment: undefined }
  const client = clientOf(acme, { baseUrl: server.url, token: server.token })
  return (await setFlag.run(acme, client, { ...place, changes, isSingle: true })).outcome
}

describe('A flag of Acme', () => {
  test('is set and returns its state before and after', async () => {
    expect(await set('checkout', 25)).toMatchObject({
      result: 'pass',
      data: {
        before: { state: 'off' },
        after: { state: 'on', percentage: 25 },
        changed: true,
        url: 'https://acme.example.com/flags/checkout',
      },
    })
    expect(server.calls.at(-2)?.body).toEqual({ enabled: true, rollout: 25 })
  })

  test('that does not keep the new state fails', async () => {
    server.ignoreChanges()
    expect(await set('checkout')).toMatchObject({ result: 'fail' })
  })

  test('that does not exist is rejected with the reason of Acme', async () => {
    const failure = await failureOf(set('not/there'))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('unknown flag') })
  })
})

flagConformance(acme, flagRow)
