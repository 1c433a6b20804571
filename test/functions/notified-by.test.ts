import { describe, expect, it, test } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import type { JobProvider } from '../../shared/providers/job.ts'
import { wakeIdOf } from '../../shared/providers/job-outcome.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { readEvent } from '../../shared/sources/read-notification.ts'
import { notifiesOf } from '../../shared/sources/source-of.ts'
import type { End } from '../shared/sources/expected-events.ts'
import { ends } from '../shared/sources/notifications.ts'

/** The generic API, which several categories have. */
const generic = { id: 'r-1', body: { id: 'r-1' } }
const stored: Record<string, End> = { ...ends, http: generic, 'http-job': generic }

const loaded = await Promise.all(
  categories.flatMap(({ name, providers }) =>
    Object.entries<() => Promise<Provider>>(providers).map(async ([provider, load]) => ({
      name,
      provider,
      loaded: await load(),
    })),
  ),
)
const notified = loaded.flatMap(({ name, provider, loaded }) =>
  isJobProvider(loaded) && loaded.notifiedBy ? [[name, provider, loaded, loaded.notifiedBy] as const] : [],
)

function isJobProvider(provider: Provider): provider is JobProvider {
  return provider.kind === 'job'
}

describe('The notification of an end', () => {
  it.each(notified)('names the stored run of %s/%s', async (_category, name, provider, { type, wakeId }) => {
    const { id, body, headers = {} } = stored[name] ?? { id: '', body: {} }
    const run = provider.parseRunId?.({ id }) ?? { id }
    const { kind, runs } = await readEvent({ type }, headers, body)
    expect(kind).toBe('ended')
    expect(runs).toContain(wakeId(run))
  })

  test('wakes the tasks of a rollback and of other runs whose names differ', async () => {
    const idOf = (name: string, id: string) => notified.find(([, provider]) => provider === name)?.[3].wakeId({ id })
    expect(idOf('argo-cd', 'team/guestbook#rollback-12')).toBe('team/guestbook')
    expect(idOf('awx', 'job/12')).toBe('12')
  })

  test('names every other run by its id, for a source of the type http', () => {
    const others = loaded.flatMap(({ loaded }) => (isJobProvider(loaded) && !loaded.notifiedBy ? [loaded] : []))
    expect(others.length).toBeGreaterThan(10)
    for (const provider of others) {
      expect(notifiesOf('http', provider)).toBe(true)
      expect(wakeIdOf(provider, { id: 'run-7' })).toBe('run-7')
    }
  })

  test('is in a test for each provider', () => {
    expect(Object.keys(stored).sort()).toEqual([...new Set(notified.map(([, provider]) => provider))].sort())
  })
})
