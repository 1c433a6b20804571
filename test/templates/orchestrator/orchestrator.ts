import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { secret, url } from '../../../shared/fields.ts'
import { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { originOf } from '../../../shared/orchestrators/event/event.ts'
import { defineOrchestrator, type Orchestrator } from '../../../shared/orchestrators/orchestrator.ts'
import { verdictOf } from '../../../shared/outcome.ts'
import { clip } from '../../../shared/text/plain-text.ts'

const secretOfAcme = z.strictObject({
  type: z.literal('sample'),
  baseUrl: url('URL of the API: https://acme.example.com/api'),
  token: secret('API token'),
})

const run = z.object({ result: z.nullish(z.string()) })

const REQUEST_TIMEOUT_MS = 15_000
const MAX_MESSAGE = 4_000
/** The run does not exist or was canceled. */
const NOT_WAITING = [404, 410]

/**
 * Returns the orchestrator for runs of Acme. A call has the id of its run, which waits for the result.
 *
 * @see https://acme.example.com/api/runs
 */
function acme({ baseUrl, token }: z.output<typeof secretOfAcme>): Orchestrator {
  const client = () =>
    new Http({
      platform: 'Acme',
      baseUrl,
      headers: { authorization: `Bearer ${token}` },
      deadlineAt: Date.now() + REQUEST_TIMEOUT_MS,
    })
  return {
    parse({ event }) {
      const { id } = event
      if (id === undefined) throw invalidInput('id', 'is required: send the id of the run')
      return { ...originOf(event), id }
    },

    async send({ origin }, answer, uncertainAttempts) {
      if (answer.kind !== 'finished') return 'sent'
      const http = client()
      const path = `runs/${segment(origin.id)}`
      if (uncertainAttempts > 0 && (await hasResult(http, path))) return 'sent'
      const { outcome } = answer
      const body = { result: verdictOf(outcome), message: clip(outcome.message, MAX_MESSAGE), links: outcome.links }
      const { status } = await http.post(`${path}/result`, body, { accept: NOT_WAITING })
      return NOT_WAITING.includes(status) ? 'unwanted' : 'sent'
    },

    async check() {
      await client().get('me', { schema: z.object({ name: z.string() }) })
    },
  }
}

/** Whether an earlier attempt has delivered the result. */
async function hasResult(http: Http, path: string): Promise<boolean> {
  const { status, body } = await http.get(path, { accept: NOT_WAITING, schema: run })
  return !NOT_WAITING.includes(status) && typeof body.result === 'string'
}

export const acmeType = defineOrchestrator({ secret: secretOfAcme, connect: acme })
