import { signal } from '@preact/signals'
import type { Outgoing } from '../call-record.ts'
import type { CallDetail } from '../call-view.ts'
import { stepName } from '../step-name.ts'
import { Code } from './code.tsx'
import { copy } from './copy.ts'
import { clock, clockWithMs, duration } from './format.ts'
import { Icon } from './icons.tsx'
import { route } from './route.ts'
import { stack } from './stack.ts'
import { Status } from './verdict.tsx'

/** Whether all requests are open. */
const areAllOpen = signal(false)

/** Opens or closes all requests. */
export function toggleAll(): void {
  areAllOpen.value = !areAllOpen.value
}

/** The requests to platforms and to the orchestrator. */
export function Requests({ call }: { call: CallDetail }) {
  const { outgoing, droppedCalls } = call
  const selected = Number(route.value.query.get('request') ?? Number.NaN)
  if (outgoing.length === 0) {
    return (
      <p class="note">
        {stack
          ? 'The log has no requests of this call. The functions log them if logLevel is DEBUG.'
          : 'This call has sent no requests.'}
      </p>
    )
  }
  return (
    <section class="panel">
      {droppedCalls > 0 && <p class="note">The first {droppedCalls} requests are no longer stored.</p>}
      {outgoing.map((request, index) => (
        <details key={index} class="req" open={areAllOpen.value || index === selected}>
          <summary>
            <Icon name="right" />
            <span class="mono desk">{request.method}</span>
            <Status of={request.status} />
            <span class="cut mono">
              {request.host ?? request.platform}
              {request.path ?? ''}
              <span class="muted">{request.exchange?.query}</span>
            </span>
            <span class="muted desk cut">
              {request.step === undefined ? 'Webhook' : stepName(request.step, call.engine)}
            </span>
            <span class="num muted desk">{clock(request.at - request.ms)}</span>
            <span class="num muted">{duration(request.ms)}</span>
          </summary>
          <ExchangeView request={request} number={index + 1} />
        </details>
      ))}
    </section>
  )
}

/** A request and its response, side by side. */
export function ExchangeView({ request, number }: { request: Outgoing; number: number }) {
  const { exchange, method, host, path, status, at, ms } = request
  if (!exchange) {
    return (
      <p class="body muted">
        Sent at {clockWithMs(at - ms)}. Headers and bodies of requests{stack ? '' : ' to AWS'} are not recorded.
      </p>
    )
  }
  const { query, headers, body, responseHeaders, responseBody, error } = exchange
  return (
    <div class="http">
      <section>
        <div class="row">
          <p class="muted small">Request, {clockWithMs(at - ms)}</p>
          <span class="grow" />
          <button type="button" class="btn s" onClick={() => copy(body)} disabled={body === ''}>
            Copy body
          </button>
        </div>
        <Code label={`Request ${number}`}>
          {[`${method} ${host ?? ''}${path ?? ''}${query}`, ...linesOf(headers), '', bodyOf(body)].join('\n')}
        </Code>
      </section>
      <section>
        <div class="row">
          <p class="muted small">Response after {duration(ms)}</p>
          <span class="grow" />
          <button type="button" class="btn s" onClick={() => copy(responseBody)} disabled={responseBody === ''}>
            Copy body
          </button>
        </div>
        <Code label={`Response to request ${number}`}>
          {status === undefined
            ? `No response. ${error ?? ''}`
            : [String(status), ...linesOf(responseHeaders ?? {}), '', bodyOf(responseBody)].join('\n')}
        </Code>
      </section>
    </div>
  )
}

function linesOf(headers: Record<string, string>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
}

function bodyOf(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
