import { randomUUID } from 'node:crypto'

/** A deployed API, or one version of a webhook. */
export interface VerifiedApi {
  /** Sends a request, and returns the status and the JSON body of the response. */
  send(method: 'GET' | 'POST', path: string): Promise<ApiResponse>
  /** Returns the last response to a request for the status of a task, once the task has ended. */
  waitForTask(path: string): Promise<ApiResponse>
}

export interface ApiResponse {
  status: number
  body: unknown
}

/** The result of one call. */
export interface Check {
  verdict: string
  ms: number
  /** The task of an interactive call. */
  taskId?: string
  /** Why the verdict is not `pass`. */
  reason?: string
}

export const VERIFIED_MODES = ['silent', 'interactive'] as const
export type VerifiedMode = (typeof VERIFIED_MODES)[number]

/** Sends a call that calls no platform to a category, and waits for its result. */
export async function verifyCall(api: VerifiedApi, category: string, mode: VerifiedMode): Promise<Check> {
  const startedAt = performance.now()
  const check = await callAndWait(api, category, mode)
  return { ...check, ms: Math.round(performance.now() - startedAt) }
}

async function callAndWait(api: VerifiedApi, category: string, mode: VerifiedMode): Promise<Omit<Check, 'ms'>> {
  const accepted = await api.send('POST', `/v1/${category}/verify?mode=${mode}&key=${randomUUID()}`)
  if (accepted.status >= 300) return refused(accepted)
  const { result, taskId } = accepted.body as { result?: string; taskId?: string }
  if (mode === 'silent') return result === undefined ? refused(accepted) : { verdict: result }
  if (taskId === undefined) return refused(accepted)
  const ended = await api.waitForTask(`/v1/${category}/tasks/${taskId}`)
  if (ended.status >= 300) return { taskId, ...refused(ended) }
  const { verdict = 'errored', outcome } = ended.body as { verdict?: string; outcome?: { message: string } }
  return { verdict, taskId, ...(verdict === 'pass' ? {} : { reason: outcome?.message ?? 'The task has no outcome' }) }
}

function refused({ status, body }: ApiResponse): { verdict: string; reason: string } {
  const { detail } = body as { detail?: string }
  return { verdict: 'errored', reason: `HTTP ${status}: ${detail ?? JSON.stringify(body)}` }
}
