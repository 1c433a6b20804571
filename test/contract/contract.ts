import type { Credential } from '../../infra/openapi/contract.ts'

/** A contract, and how the exchanges of tests are compared with it. */
export interface Contract {
  /** The file of the contract, without `.openapi.json`. */
  contract: string
  /** The path of the API relative to the base URL, for an API behind a gateway. */
  under?: string
  /** Replaces the credentials in the contract, if they are missing or incomplete. */
  credentials?: Credential[][]
  /** Operations whose bodies are documents of the caller, which the contract does not describe. */
  documents?: string[]
  /** Converts the path of a fake platform to that of the contract. */
  path?(path: string): string
  /** Matches requests to another service, such as the one that issues tokens. */
  elsewhere?: RegExp
  /** Matches `operation: violation` that are correct: the contract is incomplete, or a test violates it on purpose. */
  known?: RegExp
}

export const bearer: Credential[][] = [[{ kind: 'bearer' }]]
/** Returns the path without the part that the sandbox adds. */
export const withoutSandbox = (path: string) => path.replace(/^\/sandbox\/\w+/, '')
/** Matches the requests that get a token. */
export const tokens = /^(?:\/[^/]+)?(?:\/oauth2)?(?:\/v[\d.]+)?\/token$/
