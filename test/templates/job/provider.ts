import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type Verdict } from '../../../shared/providers/job.ts'
import { metricsIn } from '../../../shared/providers/run-output.ts'

/** As much of an answer as we need; another shape is a fault of the platform, which is retried. */
const run = z.object({
  id: z.string(),
  status: z.string(),
  progress: optional(z.string()),
  error: optional(z.object({ message: z.string() })),
  results: optional(z.record(z.string(), z.json())),
  links: z.object({ html: z.string() }),
})
const found = z.object({ items: z.array(run) })

/** What each status means. One that is not here is never taken for an end. */
const states: Readonly<Record<string, Verdict>> = {
  queued: 'running',
  running: 'running',
  succeeded: 'pass',
  partial: 'warning',
  failed: 'fail',
  lost: 'errored',
  cancelled: 'aborted',
}

/**
 * Acme: runs of its jobs.
 *
 * @see https://acme.example.com/api/jobs
 */
export const acme = defineJobProvider({
  title: 'Acme',
  noun: 'run',
  connection: z.strictObject({
    baseUrl: url('Where the API of Acme is: https://acme.example.com/api'),
    token: secret('A token that may start and cancel runs'),
    target: optional(word('Default job')),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  states,

  // What it has no place for is refused: nothing that somebody asks for is dropped in silence.
  checkStart({ project, ref }) {
    const useless = Object.entries({ project, ref }).filter(([, value]) => value !== undefined)
    if (useless.length === 0) return
    const errors = useless.map(([field]) => ({
      path: `input.${field}`,
      message: 'is of no use for Acme: leave it out',
    }))
    throw new Failure('invalid', `${errors[0]?.path} ${errors[0]?.message}`, { errors })
  },

  // After a crash or a lost answer the call runs again with the same key, and must find what the first try has started.
  async find({ http, idempotencyKey: key }) {
    const { items } = (await http.get('runs', { query: { ref: key }, schema: found })).body
    return items[0] && runOf(items[0])
  },

  async start({ http, idempotencyKey: key }, { target, parameters }) {
    const body = { arguments: parameters, ref: key }
    return runOf((await http.post(`jobs/${segment(target)}/runs`, body, { schema: run })).body)
  },

  async getStatus({ http }, { id }) {
    const { status, progress, error, results, ...now } = (await http.get(pathOf(id), { schema: run })).body
    return {
      state: status,
      run: runOf(now),
      progress,
      reason: error?.message,
      ...(results ? { data: { results } } : {}),
      metrics: metricsIn(results),
    }
  },

  async stop({ http }, { id }) {
    await http.delete(pathOf(id))
  },
})

/** Whatever an id holds, it stays one part of the path. */
function pathOf(id: string): string {
  return `runs/${segment(id)}`
}

function runOf({ id, links }: Pick<z.output<typeof run>, 'id' | 'links'>): Run {
  return { id, url: links.html }
}
