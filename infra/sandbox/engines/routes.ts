import * as z from 'zod'
import { routeTable } from '../../testing/route-table.ts'
import type { RunFaults } from '../platforms/sandbox/faults.ts'
import { type FakeCall, type FakeReply, json, jsonObject, mediaType } from '../platforms/sandbox/http.ts'
import { engines, targetOf } from './index.ts'
import type { EngineRun, EngineRuns } from './runs.ts'

const names = engines.map(({ name }) => name)
const step = z.object({
  name: z.string(),
  category: z.string(),
  action: z.string(),
  connection: z.string().optional(),
  deadline: z.string().optional(),
  data: z.object({ project: z.string(), stage: z.string(), service: z.string() }),
  input: z.record(z.string(), z.unknown()),
})
const newRun = z.object({ id: z.uuid(), engine: z.enum(names), step })
const message = z.object({
  direction: z.enum(['call', 'answer']),
  what: z.string(),
  status: z.int(),
  body: z.string(),
})
const ending = z.object({ verdict: z.enum(['pass', 'warning', 'fail', 'errored', 'aborted']), message: z.string() })

/** A run that was registered, and what goes wrong in it. */
export type StartedRun = EngineRun & { faults: RunFaults }

interface EngineCall {
  call: FakeCall
  runs: EngineRuns
  takeFaults: (target: `engines/${string}`) => RunFaults
}

const route = routeTable<EngineCall, FakeReply | undefined>()({
  'GET /': ({ call, runs }) =>
    json(
      200,
      runs.list(call.query.get('engine') ?? undefined).map(({ secret: _, ...run }) => run),
    ),
  'POST /': ({ call, runs, takeFaults }) =>
    withBody(call, newRun, (run) => {
      const started: StartedRun = {
        ...runs.start(run.engine, run.id, run.step),
        faults: takeFaults(targetOf({ name: run.engine })),
      }
      return json(201, started)
    }),
  'GET /{id}': withRun(({ runs }, run) => json(200, { ...run, messages: runs.messages(run.id) })),
  'DELETE /{id}': withRun(({ runs }, { id }) => {
    runs.giveUp(id)
    return { status: 204 }
  }),
  'POST /{id}/messages': withRun(({ call, runs }, { id }) =>
    withBody(call, message, (sent) => {
      runs.record(id, sent)
      return { status: 204 }
    }),
  ),
  'POST /{id}/ending': withRun(({ call, runs }, { id }) =>
    withBody(call, ending, (given) => json(200, { reception: runs.end(id, given) })),
  ),
})

/**
 * Answers requests below `/sandbox/engine-runs`: the half of an engine that calls the webhooks runs in another process, and
 * saves its state here. Returns undefined for an unknown path.
 */
export function engineRoutes(
  runs: EngineRuns,
  takeFaults: EngineCall['takeFaults'],
  call: FakeCall,
): FakeReply | undefined {
  return route(`${call.method} ${call.path}`, { call, runs, takeFaults })
}

function withRun(then: (call: EngineCall, run: EngineRun) => FakeReply) {
  return ({ params, ...call }: EngineCall & { params: { id: string } }): FakeReply | undefined => {
    const run = call.runs.get(params.id)
    return run && then(call, run)
  }
}

function withBody<T>({ headers, body }: FakeCall, schema: z.ZodType<T>, respond: (value: T) => FakeReply): FakeReply {
  // A web page can send a form or plain text to any address without a preflight request, but not JSON.
  if (mediaType(headers) !== 'application/json') return json(415, { message: 'Send application/json.' })
  const parsed = schema.safeParse(jsonObject(body))
  return parsed.success ? respond(parsed.data) : json(400, { message: z.prettifyError(parsed.error) })
}
