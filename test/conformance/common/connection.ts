import { expect, test } from '@jest/globals'
import type { SentRequest } from '../../../shared/http/exchange.ts'
import type { ProjectFormat } from '../../../shared/providers/project.ts'
import { expectFailure } from '../../functions/helpers.ts'
import { credentialsIn, INVALID_CREDENTIAL } from '../credentials.ts'
import { testEach } from '../test-each.ts'
import { credentialErrors } from './aws-errors.ts'
import type { Fixture } from './fixture.ts'
import type { Fields, StartedPlatform } from './options.ts'

/** Registers the tests of the connection test. */
export function connectionTests<P extends StartedPlatform>(fixture: Fixture<P>): void {
  const { check, checks = [], failedChecks = [], checkWrites } = fixture.suite

  test(`the connection test accepts valid credentials and ${checkWrites ? 'sends one message' : 'writes nothing'}`, async () => {
    const written: SentRequest[] = []
    await fixture.check({}, { intercept: (request) => void written.push(request) })
    if (check) fixture.expectRequests(check)
    else expect(fixture.current.server.calls).not.toEqual([])
    expect(written).toHaveLength(checkWrites ? 1 : 0)
  })

  testEach(
    checks,
    ({ connection = {}, change }) =>
      `the connection test with ${describeFields(connection)} ${change ? 'still ' : ''}passes`,
    async ({ connection = {}, requests, change }) => {
      await change?.(fixture.current.server)
      await fixture.check(connection)
      fixture.expectRequests(requests)
      fixture.expectSecrets(connection)
    },
  )

  testEach(
    failedChecks,
    ({ reason, connection = {} }) => `the connection test with ${describeFields(connection)} reports "${reason}"`,
    async ({ reason, connection = {}, change, kind = 'refused' }) => {
      await change?.(fixture.current.server)
      const failure = await fixture.failureOf(fixture.check(connection))
      expect(failure).toMatchObject({ kind, message: expect.stringContaining(reason) })
    },
  )

  unusableConnectionTests(fixture)
}

function unusableConnectionTests<P extends StartedPlatform>(fixture: Fixture<P>): void {
  const { checkWrites, awsError } = fixture.suite

  test('the connection test reports that the platform cannot be reached', async () => {
    fixture.current.server.down()
    await expectFailure(fixture.check(), { kind: 'platform', transient: true })
  })

  test('the connection test reports invalid credentials without showing them', async () => {
    for (const { name } of credentialsIn(fixture.current.connection)) {
      const failure = await fixture.failureOf(fixture.check({ [name]: INVALID_CREDENTIAL }))
      expect(failure.kind).toBe('credentials')
      expect(failure.message).not.toContain(INVALID_CREDENTIAL)
    }
  })

  if (awsError) {
    testEach(
      credentialErrors,
      ({ type }) => `the connection test reports the AWS error ${type}`,
      async ({ type, status, message }) => {
        const { body, headers = {} } = awsError(type, message)
        fixture.current.server.failNext(status, body, { headers, times: 9 })
        await expectFailure(fixture.check(), 'credentials', message)
      },
    )
  }

  if (!checkWrites && !awsError) {
    test('the connection test rejects the web page of another server', async () => {
      const { server } = fixture.current
      server.failNext(200, '<!DOCTYPE html><title>Sign in</title>', { times: 20 })
      const failure = await fixture.failureOf(fixture.check())
      expect(['platform', 'credentials']).toContain(failure.kind)
      server.recover()
    })
  }
}

/** Registers the tests of the fields of a connection. */
export function connectionFieldTests<P extends StartedPlatform>(fixture: Fixture<P>): void {
  const { provider } = fixture
  const { defaults, invalid = [], urls = {}, projects } = fixture.suite

  if (defaults) {
    test(`a connection has the defaults ${JSON.stringify(defaults)}`, () => {
      const fields = Object.entries(fixture.current.connection).filter(([name]) => !(name in defaults))
      expect(fixture.parse(Object.fromEntries(fields))).toMatchObject(defaults)
    })
  }

  testEach(
    invalid,
    (fields) => `a connection with ${JSON.stringify(fields)} is invalid`,
    (fields) => {
      expect(provider.connection.safeParse(fixture.connection(fields)).success).toBe(false)
    },
  )

  testEach(
    Object.entries(urls),
    ([url, fields]) => `a connection with ${JSON.stringify(fields)} calls ${url}`,
    ([url, fields]) => {
      const { baseUrl: _, endpoint: __, ...others } = fixture.current.connection
      expect(provider.baseUrl?.(fixture.parse({ ...others, ...fields }))).toBe(url)
    },
  )

  const isAccepted = (name: string) => (provider as { project?: ProjectFormat }).project?.pattern.test(name)
  testEach(
    projects?.accepted ?? [],
    (name) => `accepts the project ${JSON.stringify(name)}`,
    (name) => expect(isAccepted(name)).toBe(true),
  )
  testEach(
    projects?.refused ?? [],
    (name) => `refuses the project ${JSON.stringify(name)}`,
    (name) => expect(isAccepted(name)).toBe(false),
  )
}

function describeFields(fields: Fields<never>): string {
  if (typeof fields === 'function') return 'other credentials'
  return JSON.stringify(fields, (_name, value) => value ?? null)
}
