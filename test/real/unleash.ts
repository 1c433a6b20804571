import assert from 'node:assert/strict'
import { unleash as provider } from '../../functions/feature-flags/providers/unleash.ts'
import type { FlagProvider } from '../../shared/providers/flag.ts'
import { setFlag, setFlags } from '../../shared/providers/set-flags.ts'
import { clientOf } from '../functions/client.ts'
import { fails } from './failures.ts'
import type { Program } from './program.ts'

/** A strategy as Unleash shows it. */
interface Strategy {
  id: string
  name: string
  title: string | null
  disabled: boolean
  parameters: Record<string, string>
  constraints: object[]
  segments: number[]
  variants: object[]
}

interface Environment {
  name: string
  enabled: boolean
  strategies: Strategy[]
}

/** Both actions of the provider with a real Unleash, and its error messages. */
export const unleash: Program = {
  name: 'Unleash',
  script: 'unleash.sh',
  async checks({ url, details }) {
    const { token = '', admin = '' } = details
    const flags = provider as unknown as FlagProvider
    const call = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${url}/api/admin/${path}`, {
        method,
        headers: { authorization: admin, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const text = await response.text()
      assert.ok(response.ok, `${method} ${path} was answered ${response.status}: ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    }
    const features = 'projects/default/features'
    const shown = async (flag: string, environment = 'development'): Promise<Environment> => {
      const { environments } = (await call('GET', `${features}/${flag}`)) as { environments: Environment[] }
      const found = environments.find(({ name }) => name === environment)
      assert.ok(found)
      return found
    }
    const make = async (flag: string, ...strategies: object[]) => {
      await call('POST', features, { name: flag, type: 'release' })
      for (const strategy of strategies) {
        await call('POST', `${features}/${flag}/environments/development/strategies`, strategy)
      }
    }
    const gradual = (rollout: string, more: object = {}) => ({
      name: 'flexibleRollout',
      parameters: { rollout, stickiness: 'userId', groupId: 'of its own' },
      ...more,
    })
    const set = async (flag: string, change: object, { as = token, environment = 'development' } = {}) => {
      const client = clientOf(flags, { baseUrl: url, token: as } as never)
      const changes = [{ flag, on: undefined, percentage: undefined, ...change }]
      const input = { changes, comment: undefined, isSingle: true, project: 'default', environment }
      return (await setFlag.run(flags, client, input)).outcome
    }
    const constraints = [
      { contextName: 'country', operator: 'IN', values: ['NO'], inverted: false, caseInsensitive: false },
    ]
    const variants = [
      { name: 'blue', weight: 500, weightType: 'fix', stickiness: 'default' },
      { name: 'red', weight: 500, weightType: 'variable', stickiness: 'default' },
    ]
    const { id: segment } = await call('POST', 'segments', { name: 'staff', constraints })
    await make('checkout-v2', gradual('25', { title: 'Europe', constraints, variants, segments: [segment] }))
    await make('bare')
    await make('archived')
    await call('DELETE', `${features}/archived`)

    return {
      tests: {
        async 'accepts the token of a user, and rejects others'() {
          await provider.check(clientOf(provider, { baseUrl: url, token, project: 'default' }))
          const wrong = clientOf(provider, { baseUrl: url, token: 'user:wrong', project: 'default' })
          await fails(provider.check(wrong), /401/, 'credentials')
        },
        async 'turns a flag on and off, says how it was, and links to it'() {
          const { message, data } = await set('checkout-v2', { on: true })
          assert.equal(message, 'checkout-v2 in development is on (25 %), and was off (25 %)')
          assert.equal((await shown('checkout-v2')).enabled, true)
          assert.equal((await shown('checkout-v2', 'production')).enabled, false)
          assert.equal((await fetch(String(data['url']))).status, 200)
          await set('checkout-v2', { on: false })
          assert.equal((await shown('checkout-v2')).enabled, false)
        },
        async 'leaves what is so already'() {
          assert.match((await set('checkout-v2', { on: false, percentage: 25 })).message, /was off \(25 %\) already/)
        },
        async 'changes the rollout and keeps the rest of the strategy'() {
          const [before] = (await shown('checkout-v2')).strategies
          assert.ok(before)
          await set('checkout-v2', { percentage: 75 })
          const after = (await shown('checkout-v2')).strategies
          assert.deepEqual(after, [{ ...before, parameters: { ...before.parameters, rollout: '75' } }])
          assert.deepEqual([before.title, before.segments, before.variants.length], ['Europe', [segment], 2])
        },
        async 'adds a strategy to a flag without one before it turns the flag on'() {
          const { message } = await set('bare', { on: true, percentage: 5 })
          assert.equal(message, 'bare in development is on (5 %), and was off')
          const { strategies } = await shown('bare')
          const rollouts = strategies.map(({ name, parameters }) => [name, parameters['rollout']])
          assert.deepEqual(rollouts, [['flexibleRollout', '5']])
        },
        async 'treats a flag that is on without a strategy as on for everyone'() {
          await make('alone')
          assert.match((await set('alone', { on: true })).message, /is on \(100 %\), and was off/)
        },
        async 'sets several, and names those that were changed'() {
          const client = clientOf(flags, { baseUrl: url, token } as never)
          const changes = ['checkout-v2', 'bare'].map((flag) => ({ flag, on: false, percentage: undefined }))
          const place = { project: 'default', environment: 'development' }
          const input = { changes, comment: undefined, isSingle: false, ...place }
          const { result, data } = (await setFlags.run(flags, client, input)).outcome
          assert.deepEqual([result, data['changed']], ['pass', ['bare']])
        },
        async 'says why it is refused'() {
          await make('two', gradual('10', { title: 'EU' }), gradual('20', { title: 'Asia' }))
          await fails(set('two', { percentage: 5 }), /has these strategies: EU \(10 %\), Asia \(20 %\)\. A percentage/)
          await make('named', { name: 'default', title: 'Everybody' })
          await fails(set('named', { percentage: 5 }), /has these strategies: Everybody\. A percentage/)
          await fails(set('nope', { on: true }), /404 .+There's no feature named "nope" in project "default"/)
          await fails(set('archived', { on: true }), /404 .+Could not find feature flag with name archived/)
          const nowhere = { environment: 'nowhere' }
          await fails(set('bare', { on: true }, nowhere), /no environment "nowhere".+development, production/)
        },
        async 'asks for a change request where it must, which only Enterprise has'() {
          const guarded = { environment: 'production' }
          await fails(set('bare', { on: true }, guarded), /404 to GET .+change-requests\/pending: .+not available/)
          assert.equal((await shown('bare', 'production')).enabled, false)
          // A user with the permission skips change requests.
          assert.equal((await set('bare', { on: true }, { ...guarded, as: admin })).result, 'pass')
        },
      },
    }
  },
}
