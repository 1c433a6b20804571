import { isObject } from '../sandbox/http.ts'
import type { ActionsState, Workflow } from './actions-state.ts'

/** The parameters of a run. */
export interface Dispatch {
  ref: string
  inputs: Record<string, string>
  /** Whether the response contains the run. */
  details: boolean
}

const MAX_INPUTS = 25

/** Reads the body of a workflow dispatch, or returns GitHub's error message. */
export function readDispatch(
  body: Record<string, unknown>,
  workflow: Workflow,
  { hasRef, settings: { returnsRuns } }: ActionsState,
): Dispatch | string {
  const { ref, inputs = {}, return_run_details: details = false } = body
  const known = ['ref', 'inputs', ...(returnsRuns ? ['return_run_details'] : [])]
  const unknown = Object.keys(body).find((name) => !known.includes(name))
  if (unknown !== undefined) return wrong(`"${unknown}" is not a permitted key.`)
  if (ref === undefined) return wrong(`"ref" wasn't supplied.`)
  if (typeof ref !== 'string') return wrong(`For 'properties/ref', ${JSON.stringify(ref)} is not a string.`)
  if (!isObject(inputs)) return wrong(`For 'properties/inputs', ${JSON.stringify(inputs)} is not an object.`)
  if (typeof details !== 'boolean') {
    return wrong(`For 'properties/return_run_details', ${JSON.stringify(details)} is not a boolean.`)
  }
  const names = Object.keys(inputs)
  if (names.length > MAX_INPUTS)
    return wrong(`No more than ${MAX_INPUTS} properties are allowed; ${names.length} were supplied.`)
  if (!hasRef(ref)) return `No ref found for: ${ref}`
  if (!workflow.isDispatchable) return "Workflow does not have 'workflow_dispatch' trigger"
  const unexpected = names.filter((name) => !workflow.inputs.includes(name))
  if (unexpected.length > 0) return `Unexpected inputs provided: ${JSON.stringify(unexpected)}`
  const texts = Object.entries(inputs).map(([name, value]) => [name, String(value ?? '')])
  return { ref: ref.replace(/^refs\/(heads|tags)\//, ''), inputs: Object.fromEntries(texts), details }
}

function wrong(why: string): string {
  return `Invalid request.\n\n${why}`
}
