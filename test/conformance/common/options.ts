import type { Call, Reply, Served } from '../../../infra/testing/loopback-server.ts'
import type { Failure } from '../../../shared/errors.ts'
import type { ClientOptions } from '../../functions/helpers.ts'

/** A fake platform and its connection. */
export interface StartedPlatform {
  server: Served
  /** The secret of the connection. */
  connection: Record<string, unknown>
}

/** Changes the fake platform. */
export type Change<S> = (server: S) => unknown

/** Changes of the connection. */
export type Fields<S> = object | ((server: S) => object)

/** Requests of a test, as lines such as `GET /me` or as parts of the calls. */
export type Requests = readonly (string | object)[]

export interface CommonOptions<S extends Served = Served> {
  /** Returns the body of a 400 response that gives a reason, as the platform sends it. */
  refusal?: (reason: string) => object | string
  /** The requests of the connection test. */
  check?: Requests
  /** Other connection tests that pass. */
  checks?: {
    connection?: Fields<S>
    requests: Requests
    change?: Change<S>
  }[]
  /** Connection tests that fail. */
  failedChecks?: {
    /** A part of the message of the failure. */
    reason: string
    connection?: Fields<S>
    change?: Change<S>
    /** Defaults to `refused`. */
    kind?: Failure['kind']
  }[]
  /** Matches secret parts of URLs, which no message may contain. */
  hidden?: RegExp
  /** The connection test sends a message, because the platform offers nothing to read. */
  checkWrites?: true
  /** How a successful response from something else ends, if not with a failure that can be retried. */
  unexpectedBodies?: Partial<Record<'page' | 'text', Failure['kind'] | 'success'>>
  /** Matches the paths whose response the operation does not need, unless it creates something afterwards. */
  ignored?: RegExp
  /** Returns an error as the AWS service sends it. */
  awsError?: (type: string, message: string) => Pick<Reply, 'body' | 'headers'>
  /** Optional fields of a connection with their defaults. */
  defaults?: Record<string, unknown>
  /** Fields of a connection that must be refused. */
  invalid?: readonly object[]
  /** By name: the URL of the API for fields of a connection. */
  urls?: Record<string, object>
  /** Names that the platform gives to projects, and names that would change a request. */
  projects?: { accepted: readonly string[]; refused: readonly string[] }
}

export type Operation = (options?: ClientOptions) => Promise<unknown>

/** The options of a provider, and those that the suite of its kind adds. */
export interface CommonSuite<P extends StartedPlatform> extends CommonOptions<P['server']> {
  start(): Promise<P>
  /** The operations that send requests. Each prepares the platform and returns a function that runs the operation. */
  operations: Record<string, (platform: P) => Operation | Promise<Operation>>
  /** The operations that only read. */
  reads?: readonly string[]
  /** Operations with an id or a name that must stay in its place. `valid` is an id that the platform does not know. */
  ids?: Record<string, { valid: string; run(id: string, platform: P): Promise<unknown> }>
  /** Whether the operation has sent a write that cannot be found, so that its failure is not retried. */
  isUnknown?(operation: string): boolean
  /** Returns whether a request creates something. Defaults to every write. */
  creates?(call: Call): boolean
}
