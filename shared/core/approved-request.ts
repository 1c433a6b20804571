import { createHash } from 'node:crypto'
import { outcomeUnknown } from '../errors.ts'
import type { SentRequest } from '../http/exchange.ts'
import { errored, type Outcome, passed } from '../outcome.ts'

/** A form of a request that can be stored, and compared with a later one. */
export interface ApprovedRequest {
  /** How many tokens the request has. */
  length: number
  /** The tokens that change by themselves, such as times and random ids. */
  unstable: number[]
  /** SHA-256 of the others. */
  digest: string
}

/**
 * Returns the form of a request that was made twice, to find the parts that change by themselves.
 *
 * @returns undefined if the requests differ in more than single values
 */
export function requestFormOf(first: SentRequest, second: SentRequest): ApprovedRequest | undefined {
  const [tokens, others] = [tokensOf(first), tokensOf(second)]
  if (tokens.length !== others.length) return undefined
  const unstable = tokens.flatMap((token, index) => (token === others[index] ? [] : [index]))
  return { length: tokens.length, unstable, digest: digestOf(tokens, unstable) }
}

/** Compares the first write of a run, before it is sent. */
export function compareWith(approved: ApprovedRequest): {
  intercept(request: SentRequest): undefined
  hasChanged(): boolean
} {
  let [isFirst, hasChanged] = [true, false]
  return {
    intercept(request) {
      const tokens = isFirst ? tokensOf(request) : []
      if (isFirst)
        hasChanged = tokens.length !== approved.length || digestOf(tokens, approved.unstable) !== approved.digest
      isFirst = false
      // Even if the provider continues after the error.
      if (hasChanged) throw new Error('The request has changed since it was approved.')
      return undefined
    },
    hasChanged: () => hasChanged,
  }
}

/** @param mayHaveWritten whether an earlier attempt may have sent the approved request */
export function changedSinceApproval(mayHaveWritten: boolean): Outcome {
  const message = 'What would be sent has changed since people were asked, so it was not sent.'
  if (mayHaveWritten)
    return errored(outcomeUnknown(`${message} An earlier attempt may have reached the platform: check it.`))
  return { ...passed(`${message} Send a new call: people see the new request.`), result: 'fail' }
}

/** Values stay complete, also times with colons. Headers are omitted: credentials change. */
function tokensOf(request: SentRequest): string[] {
  return requestTextOf(request).split(/(["\s{}[\],&=?]+)/)
}

/** Returns a request for people, without headers. */
export function requestTextOf({ method, url, body }: SentRequest): string {
  return `${method} ${url}${body === undefined ? '' : `\n${body}`}`
}

function digestOf(tokens: readonly string[], unstable: readonly number[]): string {
  const stable = tokens.map((token, index) => (unstable.includes(index) ? '' : token))
  return createHash('sha256').update(JSON.stringify(stable)).digest('hex')
}
