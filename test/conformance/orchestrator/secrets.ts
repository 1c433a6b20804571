import { expect, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { passed } from '../../../shared/outcome.ts'
import { registerSecret } from '../../../shared/redact.ts'
import type { OrchestratorFixture } from './fixture.ts'
import { finished } from './outcomes.ts'

const PLATFORM_PASSWORD = 'a-password-of-the-platform'

/** Registers the tests that credentials stay secret. */
export function orchestratorSecretTests<S extends Served>(fixture: OrchestratorFixture<S>): void {
  const { type, sends } = fixture.subject

  // The task masks its outcome, too, and applications have no function to mask texts.
  if (type === undefined) {
    test('no answer contains a credential of the platform', async () => {
      registerSecret(PLATFORM_PASSWORD)
      const outcome = passed(`The platform answered ${PLATFORM_PASSWORD}`, { reply: PLATFORM_PASSWORD })
      await fixture.send(finished(outcome))
      expect(fixture.received()).toEqual(sends.includes('finished') ? ['finished'] : [])
      for (const { text } of fixture.calls) expect(text).not.toContain(PLATFORM_PASSWORD)
    })
  }

  test('no error contains a credential', async () => {
    const secrets = fixture.engine?.secrets ?? []
    for (const status of [400, 401, 403, 404, 500]) {
      fixture.server.failNext(status, { message: `no: ${secrets.join(' ')}` }, { on: fixture.isAnswer })
      const error = await fixture.send(finished()).then(
        () => '',
        (thrown: Error) => `${thrown.message} ${JSON.stringify(thrown)}`,
      )
      for (const secret of secrets) expect(error).not.toContain(secret)
    }
  })
}
