import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Faults } from './faults.ts'
import {
  type FakeCall,
  type FakeReply,
  isForeignForm,
  isLocal,
  type Platform,
  readBody,
  send,
  sendInTime,
  type Target,
} from './http.ts'
import { injectFault } from './inject-fault.ts'
import type { LoggedRequest, SandboxObservation } from './sandbox.ts'
import type { Collection } from './store.ts'

interface HandlerOptions {
  faults: Faults
  requests: Collection<LoggedRequest>
  /** Called once for each completed request to a platform. */
  observe: (observation: SandboxObservation) => void
  /** Aborted when the sandbox closes. */
  closing: AbortSignal
}

/** Returns a function that responds to requests to `/sandbox` and below: those to platforms, and those of the admin API. */
export function createRequestHandler(
  platforms: ReadonlyMap<string, Platform>,
  adminApi: (name: string, call: FakeCall) => FakeReply,
  { faults, requests, observe, closing }: HandlerOptions,
): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  async function platformCall(target: Target, platform: Platform, call: FakeCall, res: ServerResponse): Promise<void> {
    const at = new Date().toISOString()
    const { method } = call
    const path = platform.shownPath?.(call.path) ?? call.path
    const fault = faults.take(target, call)
    const id = randomUUID()
    // A request that is handled when the process is killed is in the list, too.
    if (!platform.unlisted) requests.put(id, { at, target, method, path, status: null, fault: fault?.kind ?? null })
    let note = ''
    const carryOut = (): FakeReply => {
      const answer = platform.answer(call)
      note = answer.note ?? ''
      return answer
    }

    const status = fault
      ? await injectFault(fault, platform, call, res, carryOut, closing)
      : await sendInTime(res, carryOut(), closing)
    if (closing.aborted || platform.unlisted) return
    requests.change(id, { status })
    observe({
      at,
      target,
      method,
      path,
      status,
      note: [fault && `fault ${fault.kind}`, note].filter(Boolean).join(': '),
    })
  }

  return async (req, res) => {
    const url = URL.parse(req.url ?? '/', 'http://sandbox.invalid')
    const parsed = /^\/sandbox(?:\/(engines\/[^/]+|[^/]*)(\/.*)?)?$/.exec(url?.pathname ?? '')
    if (!parsed) return void send(res, { status: 404, body: 'Not found. The sandbox responds below /sandbox/ only.\n' })
    const [, name = '', path = '/'] = parsed
    const { body, size } = await readBody(req)
    if (closing.aborted) return void res.destroy()
    const call: FakeCall = {
      method: req.method ?? 'GET',
      path,
      query: new URLSearchParams(url?.search),
      headers: req.headers,
      body,
      size,
      root: `http://${req.headers.host ?? 'localhost'}/sandbox/${name}`,
    }
    const platform = platforms.get(name)
    const page = call.method === 'GET' ? platform?.page?.(call) : undefined
    const act = call.method === 'POST' ? platform?.actions?.[path] : undefined
    if (platform && !page && !act) return platformCall(name as Target, platform, call, res)
    if (!isLocal(req) || (act && isForeignForm(call))) {
      return void send(res, {
        status: 403,
        body: 'Forbidden. The sandbox accepts this request from its own machine only.\n',
      })
    }
    send(res, act ? await act(call) : (page ?? adminApi(name, call)))
  }
}
