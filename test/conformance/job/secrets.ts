import { expect, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { isRecord } from '../../../shared/record.ts'
import { credentialsIn } from '../credentials.ts'
import type { JobFixture } from './fixture.ts'

/** Registers the test that a connection masks nothing that is needed to understand a message. */
export function jobSecretTest<S extends Served>(fixture: JobFixture<S>): void {
  test('declares nothing but its credentials as secrets', () => {
    const { connection } = fixture.current
    const schema = fixture.provider.connection
    const secrets = secretsIn(schema, schema.parse(connection))
    const credentials = credentialsIn(connection).map(({ value }) => value)
    const headers = Object.values(connection).flatMap((field) => (isRecord(field) ? Object.values(field) : []))
    expect([...credentials, ...headers]).toEqual(expect.arrayContaining(secrets))
  })
}
