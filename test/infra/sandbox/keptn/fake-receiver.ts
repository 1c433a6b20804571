import { randomUUID } from 'node:crypto'
import type { JsonObject, KeptnEvent } from '../../../../infra/sandbox/keptn/events.ts'
import { type Call as Received, type Reply, serve } from '../../../../infra/testing/loopback-server.ts'

export type { Reply }

/** A call to the receiver with its parsed form body. */
export interface Call extends Received {
  form: URLSearchParams
}

export const apiToken = 'test-keptn-token'

/** A receiver with responses of the test, and the Keptn endpoints of the sandbox. */
export async function startReceiver(answer: (call: Call) => Reply | Promise<Reply>) {
  const calls: Call[] = []
  const events: KeptnEvent[] = []
  let refuseRecords = 0

  const { url, close } = await serve(async (received) => ({ body: {}, ...(await route(received)) }))

  async function route(received: Received): Promise<Reply> {
    const { method, path, query, headers, text } = received
    if (path.startsWith('/keptn/')) {
      if (headers['x-token'] !== apiToken) return { status: 401 }
      return method === 'POST' ? record(JSON.parse(text)) : readBack(query)
    }
    if (!path.startsWith('/v1/')) return { status: 404 }
    const call = { ...received, form: new URLSearchParams(text) }
    calls.push(call)
    return await answer(call)
  }

  function record(event: KeptnEvent): Reply {
    if (refuseRecords-- > 0) return { status: 503 }
    events.push(event)
    return { status: 200 }
  }

  /** Returns two events per page, newest first, so that reading always needs several pages. */
  function readBack(query: URLSearchParams): Reply {
    const found = events.filter((event) => event.shkeptncontext === query.get('keptnContext')).reverse()
    const offset = Number(query.get('nextPageKey') ?? 0)
    const nextPageKey = offset + 2 < found.length ? String(offset + 2) : '0'
    return { status: 200, body: { events: found.slice(offset, offset + 2), totalCount: found.length, nextPageKey } }
  }

  return {
    url,
    calls,
    events,
    types: () => events.map(({ type, source }) => `${type.replace('sh.keptn.event.', '')} by ${source}`),
    byType: (short: string) => events.filter(({ type }) => type === `sh.keptn.event.${short}`),
    /** The event log rejects the given number of records as overloaded. */
    overload: (times: number) => {
      refuseRecords = times
    },
    /** Sends an event for the task of a call through Keptn's API, like the real receiver. */
    report: (call: Call, kind: 'started' | 'finished', data: JsonObject = {}) => {
      events.push({
        specversion: '1.0',
        id: randomUUID(),
        time: new Date().toISOString(),
        type: (call.form.get('type') ?? '').replace('triggered', kind),
        source: 'receiver',
        contenttype: 'application/json',
        shkeptncontext: call.form.get('shkeptncontext') ?? '',
        shkeptnspecversion: '0.2.4',
        triggeredid: call.form.get('id') ?? '',
        gitcommitid: '',
        data: { project: 'demo', stage: 'dev', service: 'shop', ...data },
      })
    },
    close,
  }
}

export type FakeReceiver = Awaited<ReturnType<typeof startReceiver>>
