import { linkToCall } from './call-link.ts'
import { Code } from './code.tsx'
import { pretty } from './format.ts'
import { isObject, type Json } from './send-draft.ts'
import { Status } from './verdict.tsx'

/** What the runtime has responded to a call. */
export interface Sent {
  status: number
  body: string
  /** The call in the list. */
  id?: string
  isDryRun: boolean
}

/** Returns what the runtime says about the fields, by path: `input.title`. */
export function fieldErrors({ body }: Sent): Map<string, string> {
  const { errors } = objectIn(body)
  const all = (Array.isArray(errors) ? errors : []) as { path: string; message: string }[]
  return new Map(all.map(({ path, message }) => [path, message]))
}

export function SendResponse({ sent: { status, body, id, isDryRun } }: { sent: Sent }) {
  const { message, detail, data } = objectIn(body)
  const request = isDryRun && isObject(data) ? data['request'] : undefined
  return (
    <section class="panel" role="status" aria-label="Response">
      <header>
        <h2>
          {isDryRun ? 'Dry run' : 'Response'} <Status of={status} />
        </h2>
        <span class="grow" />
        {id !== undefined && <a href={linkToCall(id)}>Open the call</a>}
      </header>
      <div class="body stack">
        {isObject(request) ? (
          <FirstRequest request={request} />
        ) : (
          <>
            <p class={`note ${status >= 400 ? 'fail' : ''}`}>
              {String(message ?? detail ?? (status === 202 ? 'Accepted. The result follows.' : ''))}
            </p>
            <Code label="Response body">{body}</Code>
          </>
        )}
      </div>
    </section>
  )
}

/** The request that a dry run has not sent. */
function FirstRequest({ request: { method, url, headers, body } }: { request: Json }) {
  const lines = Object.entries(Object(headers)).map(([name, value]) => `${name}: ${value}`)
  return (
    <>
      <h3>Nothing was sent. The first request that writes would be</h3>
      <Code label="Request">{[`${method} ${url}`, ...lines].join('\n')}</Code>
      {body !== undefined && <Code label="Request body">{pretty(body)}</Code>}
    </>
  )
}

function objectIn(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
