import { nest, overlay } from '../../../../shared/dotted-keys.ts'
import { queryParameters } from '../../../openapi/parameters.ts'
import { findAction, type NamedAction } from '../../../project/find-by-name.ts'

/** A call that is being written. It may be invalid. */
export interface DraftCall {
  action: NamedAction
  /** The options in the query. */
  options: Partial<Record<string, string>>
  /** The body, with the fields that the query sets. */
  body: Record<string, unknown>
}

/** The fields of a body that describe the call, not the event that it comes from. */
const CALL_FIELDS = ['connection', 'project', 'stage', 'service', 'result', 'data', 'input']

/** A call as code. */
export interface CodeText {
  text: string
  /** How the code differs from the call. */
  note?: string | undefined
}

/**
 * Reads a call from the page Send.
 *
 * @throws UsageError for an unknown action, Failure `invalid` for a query with a name that is not allowed
 */
export function readDraft(target: string, query: string, body: Record<string, unknown>): DraftCall {
  const pairs = [...new URLSearchParams(query)]
  const isOption = ([name]: [string, string]) => Object.hasOwn(queryParameters, name)
  return {
    action: findAction(target),
    options: Object.fromEntries(pairs.filter(isOption)),
    body: overlay(body, nest(pairs.filter((pair) => !isOption(pair)))),
  }
}

/** Returns the fields of a body without its event: each run of an engine has another one. */
export function withoutEvent(body: DraftCall['body']): DraftCall['body'] {
  return Object.fromEntries(Object.entries(body).filter(([name]) => CALL_FIELDS.includes(name)))
}
