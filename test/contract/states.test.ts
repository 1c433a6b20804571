import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { loadProviderFiles } from '../provider-files.ts'
import type { StateList } from './state-list.ts'
import { withoutContract } from './subjects.ts'

const folder = process.env['WEBHOOKS_CONTRACTS'] ?? join(import.meta.dirname, '../../../shared/contracts')
const tests = join(import.meta.dirname, '../functions')

/** The lists of each provider by their names, or `unlisted`: where its states are from, because its contract has no list. */
const files = await loadProviderFiles<Record<string, StateList | string>>('states')
const lists = files.flatMap(([provider, exports]) =>
  Object.entries(exports).flatMap(([name, list]) => (typeof list === 'string' ? [] : [{ provider, name, ...list }])),
)

/** The providers of jobs, by category and provider. */
const jobs = (
  await Promise.all(
    categories.flatMap((category) =>
      Object.entries(category.providers).map(async ([name, load]) =>
        (await load()).kind === 'job' ? [`${category.name}/${name}`] : [],
      ),
    ),
  )
).flat()
const nameOf = (provider: string) => provider.replace(/.*\//, '')

test('every provider of jobs with a contract has a list of states, or there is a reason', () => {
  const withStates = files.map(([provider]) => provider).filter((provider) => jobs.includes(provider))
  const withContract = jobs.map(nameOf).filter((name) => !Object.hasOwn(withoutContract, name))
  expect([...new Set(withStates.map(nameOf))].sort()).toEqual([...new Set(withContract)].sort())
})

test('the tests of these providers take their states from the list', () => {
  for (const { provider, name } of lists) {
    const sources = globSync(`${provider}/*.test.ts`, { cwd: tests }).map((file) =>
      readFileSync(join(tests, file), 'utf8'),
    )
    const used = new RegExp(jobs.includes(provider) ? `vendorStates\\(\\s*${name}\\b` : `\\b${name}\\.states\\b`)
    expect({ provider, isUsed: sources.some((source) => used.test(source)) }).toEqual({ provider, isUsed: true })
  }
})

/** Returns what a contract lists at a path, without null. */
function listedIn(contract: string): (path: string) => string[] {
  const document: unknown = JSON.parse(readFileSync(join(folder, `${contract}.openapi.json`), 'utf8'))
  return (path) => {
    const schema = path
      .split('/')
      .reduce<unknown>((parent, name) => (parent as Record<string, unknown> | undefined)?.[name], document)
    const { enum: values } = (schema ?? {}) as { enum?: (string | null)[] }
    if (!values) throw new Error(`${contract} lists nothing at ${path}`)
    return values.filter((value) => value !== null)
  }
}

const [describeIfContracts, reason] = existsSync(folder)
  ? [describe, '']
  : [describe.skip, ': there are no contracts. Set WEBHOOKS_CONTRACTS=<folder>.']
describeIfContracts(`The lists of states${reason}`, () => {
  test.each(lists)('have the states of $provider that the contract lists ($name)', ({ states, place }) => {
    expect(states).toEqual([...new Set(place.states(listedIn(place.contract)))])
  })
})
