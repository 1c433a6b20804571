import * as z from 'zod/mini'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob } from '../../../shared/providers/define-job.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import { metricsIn } from '../../../shared/providers/run-output.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'

/** Only the fields that we need. A response that does not match is the platform's fault and is retried. */
const run = z.object({
  id: z.string(),
  status: z.string(),
  ref: z.nullish(z.string()),
  progress: optional(z.string()),
  started: optional(z.string()),
  ended: optional(z.string()),
  error: optional(z.object({ message: z.string() })),
  results: optional(z.record(z.string(), z.json())),
  links: z.object({ html: z.string() }),
})
const found = z.object({ items: z.array(run) })

/** A status that is not listed never ends a run. */
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
 * Runs of jobs in Acme.
 *
 * HTTP errors of the platform need no code. For other errors, throw `refused`, `retryLater` or `outcomeUnknown`.
 *
 * @see https://acme.example.com/api/jobs
 */
export const acme = defineJob({
  title: 'Acme',
  noun: 'run',
  connection: z.strictObject({
    baseUrl: url('URL of the API: https://acme.example.com/api'),
    token: secret('API token that may start and cancel runs'),
    target: optional(word('Default job')),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  states,

  // If runs are numbered within a project, add `project` and `within`: ids are then `acme/shop#7`.
  runId: { pattern: /^[\w-]{1,64}$/, description: 'the id of a run, such as 7' },
  identify: ({ id, links }: Pick<z.output<typeof run>, 'id' | 'links'>) => ({ id, url: links.html }),

  checkStart({ project, ref }) {
    refuseUnsupported('Acme', { project, ref })
  },

  // After a crash or a lost response, the call runs again with the same key and must find the run of the first attempt.
  search: {
    // The query selects by the key. If a list has pages, their size decides how far a retry reaches.
    pageSize: 'all',
    async list({ http, idempotencyKey }) {
      return { runs: (await http.get('runs', { query: { ref: idempotencyKey }, schema: found })).body.items }
    },
    hasKey: ({ ref }, { idempotencyKey }) => ref === idempotencyKey,
  },

  async start({ http, idempotencyKey }, { target, parameters }) {
    const body = { arguments: parameters, ref: idempotencyKey }
    return (await http.post(`jobs/${segment(target)}/runs`, body, { schema: run })).body
  },

  async getStatus({ http }, { id }) {
    const current = (await http.get(pathOf(id), { schema: run })).body
    const { status, progress, started, ended, error, results } = current
    return {
      state: status,
      run: current,
      progress,
      reasons: [error?.message],
      ...(results ? { data: { results } } : {}),
      metrics: metricsIn(results),
      // The data and the metrics get `start`, `end` and `duration` from it.
      period: { start: started, end: ended },
    }
  },

  async stop({ http }, { id }) {
    await http.delete(pathOf(id))
  },
})

function pathOf(id: string): string {
  return `runs/${segment(id)}`
}
