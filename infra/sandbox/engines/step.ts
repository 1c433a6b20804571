/** A step of a sequence: one call, and its result. */
export interface Step {
  /** Unique in the sequence, such as `staging deployment`. */
  name: string
  category: string
  action: string
  connection?: string
  deadline?: string
  data: { project: string; stage: string; service: string }
  input: Record<string, unknown>
}

/**
 * Returns the path of a call with its query.
 *
 * @param options more of the query, such as `mode`
 */
export function pathOf({ category, action, connection, deadline }: Step, options: Record<string, string>): string {
  const query = new URLSearchParams(options)
  if (connection !== undefined) query.set('connection', connection)
  if (deadline !== undefined) query.set('deadline', deadline)
  return `/v1/${category}/${action}?${query}`
}
