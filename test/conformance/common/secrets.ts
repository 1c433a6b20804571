import { expect, test } from '@jest/globals'
import type { Fixture } from './fixture.ts'
import type { StartedPlatform } from './options.ts'

/** Registers the test of the secrets that a connection declares. */
export function declaredSecretTests<P extends StartedPlatform>(fixture: Fixture<P>): void {
  test('declares its credentials as secrets', () => fixture.expectSecrets())
}

/** Registers the test that an operation returns no credential. */
export function resultSecretTests<P extends StartedPlatform>(fixture: Fixture<P>, operation: string): void {
  test('returns a result without credentials', async () => {
    const run = await fixture.prepare(operation)
    const result = JSON.stringify((await run()) ?? null)
    const { calls } = fixture.current.server
    const sent = calls.flatMap(({ headers: { authorization } }) => authorization?.split(' ').at(-1) ?? [])
    for (const secret of [...fixture.secrets(), ...sent]) expect(result).not.toContain(secret)
    expect(JSON.stringify(calls)).not.toContain(process.env['AWS_SECRET_ACCESS_KEY'] ?? 'no such key')
  })
}
