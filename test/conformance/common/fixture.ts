import { expect } from '@jest/globals'
import { requestLine } from '../../../infra/testing/loopback-server.ts'
import type { Failure } from '../../../shared/errors.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { Provider } from '../../../shared/providers/provider.ts'
import { type ClientOptions, clientOf, failureOf } from '../../functions/helpers.ts'
import { credentialsIn } from '../credentials.ts'
import type { CommonSuite, Fields, Operation, Requests, StartedPlatform } from './options.ts'

/** A provider, and the platform of the current test. */
export class Fixture<P extends StartedPlatform> {
  readonly provider: Provider
  readonly suite: CommonSuite<P>
  #current: P | undefined

  constructor(provider: Provider, suite: CommonSuite<P>) {
    this.provider = provider
    this.suite = suite
  }

  get current(): P {
    if (!this.#current) throw new Error('The platform starts before each test.')
    return this.#current
  }

  async start(): Promise<void> {
    this.#current = await this.suite.start()
  }

  /** Replaces the platform with a new one. */
  async restart(): Promise<void> {
    await this.current.server.close()
    await this.start()
  }

  /** Prepares the platform for an operation, and returns the operation. */
  async prepare(operation: string): Promise<Operation> {
    const run = await this.suite.operations[operation]?.(this.current)
    if (!run) throw new Error(`No operation ${operation}`)
    this.current.server.calls.length = 0
    return run
  }

  /** Whether the operation has sent a write that cannot be found, so that its failure is not retried. */
  isUnknown(operation: string): boolean {
    return this.suite.isUnknown?.(operation) ?? false
  }

  /** Returns the connection with other fields. */
  connection(fields: Fields<P['server']> = {}): Record<string, unknown> {
    const { connection, server } = this.current
    return { ...connection, ...(typeof fields === 'function' ? fields(server) : fields) }
  }

  parse(connection: object) {
    return this.provider.connection.parse(connection)
  }

  /** Returns the secrets of the connection with other fields. */
  secrets(fields?: Fields<P['server']>): string[] {
    return secretsIn(this.provider.connection, this.parse(this.connection(fields)))
  }

  /** Tests the connection with other fields. */
  async check(fields?: Fields<P['server']>, options?: ClientOptions): Promise<void> {
    await this.provider.check(clientOf(this.provider, this.parse(this.connection(fields)), options))
  }

  /** Returns the failure that a promise rejects with. Its message must not match `hidden`. */
  async failureOf(result: Promise<unknown>): Promise<Failure> {
    const failure = await failureOf(result)
    expect(failure.message).not.toMatch(this.suite.hidden ?? /^$/)
    return failure
  }

  /** Expects that the connection declares its credentials as secrets. */
  expectSecrets(fields?: Fields<P['server']>): void {
    const connection = this.connection(fields)
    const credentials = credentialsIn(connection).filter(({ name }) => connection[name] !== undefined)
    expect(this.secrets(fields)).toEqual(expect.arrayContaining(credentials.map(({ value }) => value)))
  }

  /** Expects that the platform received these requests. */
  expectRequests(requests: Requests): void {
    const { calls } = this.current.server
    const received = calls.map((call, index) => (typeof requests[index] === 'object' ? call : requestLine(call)))
    expect(received).toMatchObject(requests)
  }
}
