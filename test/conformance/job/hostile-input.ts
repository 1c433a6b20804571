import { expect, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { refused } from '../../../shared/errors.ts'
import type { SentRequest } from '../../../shared/http/exchange.ts'
import type { ClientOptions } from '../../functions/helpers.ts'
import { hostileIds, ignoreFailure } from '../common/ids.ts'
import { formOf, formsOf } from '../common/requests.ts'
import type { JobFixture } from './fixture.ts'

type Send = (options: ClientOptions) => Promise<unknown>

/** Registers the tests that texts in the input do not change requests. */
export function hostileInputTests<S extends Served>(fixture: JobFixture<S>): void {
  const { job, options } = fixture
  const start = (fields: object, client: ClientOptions) => fixture.unlimited().start(fixture.input(fields), client)
  const stop = (id: string, client: ClientOptions) => job.stop({ id }, client)
  const attacks: Record<string, (value: string, client: ClientOptions) => Promise<unknown>> = {
    'input.target of a start': (target, client) => start({ target }, client),
    'the end of input.target of a start': (end, client) =>
      start({ target: `${fixture.input()['target']}${end}` }, client),
    'input.project of a start': (project, client) => start({ project }, client),
    'input.ref of a start': (ref, client) => start({ ref }, client),
    ...(fixture.provider.stop !== undefined && {
      'input.id of a stop': stop,
      'the end of input.id of a stop': (end: string, client: ClientOptions) =>
        stop(`${fixture.current.id()}${end}`, client),
      'input.project of a stop': (project: string, client: ClientOptions) =>
        job.stop({ id: fixture.current.id(), project }, client),
    }),
  }
  test.each(Object.entries(attacks))('%s cannot change the path or the query of a request', async (name, attack) => {
    const isStop = name.endsWith('stop')
    if (isStop) await fixture.startRun()
    const usual = await sentForms(fixture, (client) =>
      isStop ? stop(fixture.current.id(), client) : fixture.start(client),
    )
    for (const value of hostileIds) {
      const harmless = value.replace(options.hasPaths ? /[^\w/]/g : /\W/g, 'x')
      const sent = await sentForms(fixture, (client) => attack(value, client))
      const others = sent.filter((form) => !usual.includes(form))
      const expected = others.length > 0 ? await sentForms(fixture, (client) => attack(harmless, client)) : []
      expect({ value, changed: others.filter((form) => !expected.includes(form)) }).toEqual({ value, changed: [] })
    }
  })
}

/** Returns the forms of the requests that a dry run of an action sends and would send. */
async function sentForms<S extends Served>(fixture: JobFixture<S>, send: Send): Promise<string[]> {
  const { calls } = fixture.current.server
  calls.length = 0
  const writes: string[] = []
  const intercept = ({ method, url }: SentRequest) => {
    const { pathname = '', searchParams = new URLSearchParams() } = URL.parse(url) ?? {}
    writes.push(formOf({ method, path: pathname, query: searchParams }))
    throw refused('A dry run must not write.')
  }
  await send({ intercept }).catch(ignoreFailure)
  return [...formsOf(calls), ...writes]
}
