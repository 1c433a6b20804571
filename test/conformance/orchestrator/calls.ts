import { expect, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { Failure } from '../../../shared/errors.ts'
import type { OrchestratorFixture } from './fixture.ts'

/** Registers the tests of the calls that the engine sends. */
export function callTests<S extends Served>(fixture: OrchestratorFixture<S>): void {
  const { body, headers = {}, required } = fixture.subject

  test('a complete call can be answered, and is read the same each time', () => {
    const first = fixture.parse(body)
    expect(first.id).toEqual(expect.any(String))
    expect(JSON.stringify(fixture.parse(structuredClone(body)))).toBe(JSON.stringify(first))
  })

  test('a call without any of the fields is refused with all of them in one failure', () => {
    const failure = failureOf(() => fixture.parse({}, {}))
    expect([failure.kind, failure.errors?.map(({ path }) => path)]).toEqual(['invalid', required])
    for (const path of required) expect(failure.message).toContain(path)
  })

  test.each(required)('a call without %s is refused', (path) => {
    const parse = () =>
      Object.hasOwn(headers, path)
        ? fixture.parse(body, without(headers, [path]))
        : fixture.parse(without(body, path.split('.')))
    expect(failureOf(parse).errors).toMatchObject([{ path }])
  })
}

function failureOf(run: () => unknown): Failure {
  try {
    run()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('The call was not refused.')
}

function without<T>(fields: Record<string, T>, [first = '', ...rest]: string[]): Record<string, T> {
  const { [first]: value, ...others } = fields
  return rest.length === 0 ? others : { ...others, [first]: without(value as Record<string, T>, rest) as T }
}
