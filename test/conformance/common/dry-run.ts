import { expect, test } from '@jest/globals'
import type { SentRequest } from '../../../shared/http/exchange.ts'
import { redact } from '../../../shared/redact.ts'
import type { ClientOptions } from '../../functions/helpers.ts'
import type { Fixture } from './fixture.ts'
import type { Operation, StartedPlatform } from './options.ts'
import { isNotToken, requestOf } from './requests.ts'

/** Registers the test of a dry run of an operation. */
export function dryRunTest<P extends StartedPlatform>(fixture: Fixture<P>, operation: string): void {
  if (fixture.suite.reads?.includes(operation)) {
    test('only reads', async () => {
      const { intercepted } = await runDry(await fixture.prepare(operation))
      expect(intercepted).toEqual([])
    })
    return
  }
  test('writes nothing in a dry run, which shows the write without credentials', async () => {
    const run = await fixture.prepare(operation)
    const { end, intercepted } = await runDry(run)
    expect(end).toBe('dry run')
    const [{ url = '', body = '', method = '', headers = {} } = {}, ...others] = intercepted
    expect(others).toEqual([])
    for (const secret of fixture.secrets()) expect(redact(`${url} ${body}`)).not.toContain(secret)
    expect(Object.keys(headers).filter((header) => /signature/i.test(header))).toEqual([])
    const { calls } = fixture.current.server
    const rehearsed = calls.splice(0).map(requestOf)
    await run()
    // An access token may be requested only now.
    const sent = calls.filter(isNotToken).map(requestOf)
    // The dry run stops at the first write of a real run.
    expect(sent.slice(0, rehearsed.length)).toEqual(rehearsed)
    // AWS operations are shown by name.
    expect(sent[rehearsed.length]).toMatch(fixture.provider.aws ? /^[A-Z]/ : new RegExp(`^${method} `))
  })
}

async function runDry(run: Operation): Promise<{ end: unknown; intercepted: SentRequest[] }> {
  const intercepted: SentRequest[] = []
  const intercept: NonNullable<ClientOptions['intercept']> = (request) => {
    intercepted.push(request)
    throw new Error('dry run')
  }
  return { end: await run({ intercept }).catch(({ message }: Error) => message), intercepted }
}
