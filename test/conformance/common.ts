import { afterEach, beforeEach, describe } from '@jest/globals'
import type { Provider } from '../../shared/providers/provider.ts'
import { connectionFieldTests, connectionTests } from './common/connection.ts'
import { dryRunTest } from './common/dry-run.ts'
import { deadlineTest, failureTests } from './common/failures.ts'
import { Fixture } from './common/fixture.ts'
import { idTests } from './common/ids.ts'
import type { CommonSuite, StartedPlatform } from './common/options.ts'
import { declaredSecretTests, resultSecretTests } from './common/secrets.ts'
import { stopTests } from './common/stopped.ts'

/**
 * Registers the tests that providers of every kind must pass, and starts the platform before each test of the group: credentials
 * stay secret, failures are reported with their reason and can be retried, no request is repeated within an attempt, a dry run
 * and an action that people have stopped write nothing, and ids stay in their place.
 *
 * @returns a function that returns the platform of the current test
 */
export function commonTests<P extends StartedPlatform>(provider: Provider, suite: CommonSuite<P>): () => P {
  const fixture = new Fixture(provider, suite)
  const operations = Object.keys(suite.operations)
  beforeEach(() => fixture.start())
  afterEach(() => fixture.current.server.close())

  declaredSecretTests(fixture)
  connectionTests(fixture)
  connectionFieldTests(fixture)
  describe.each(operations)('%s', (operation) => {
    failureTests(fixture, operation, operation === operations[0])
    resultSecretTests(fixture, operation)
    dryRunTest(fixture, operation)
    stopTests(fixture, operation)
  })
  deadlineTest(fixture, operations[0] ?? '')
  idTests(fixture)
  return () => fixture.current
}
