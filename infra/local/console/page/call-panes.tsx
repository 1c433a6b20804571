import type { ComponentChildren } from 'preact'
import type { CallDetail } from '../call-view.ts'
import { Code } from './code.tsx'
import { clockWithMs, distance, time } from './format.ts'
import { now } from './live.ts'
import { stack } from './stack.ts'

function Panel({ title, about, children }: { title: string; about?: string; children: ComponentChildren }) {
  return (
    <section class="panel">
      <header>
        <h3>{title}</h3>
        {about !== undefined && <span class="muted cut">{about}</span>}
      </header>
      <div class="body">{children}</div>
    </section>
  )
}

/** The requests of the caller, and the input after validation. */
export function Input({ call }: { call: CallDetail }) {
  const { requests, input, notes } = call
  return (
    <>
      {requests.length === 0 && (
        <p class="note">
          {stack
            ? 'The functions do not log requests and their headers.'
            : 'The request was received before the console stored requests.'}
        </p>
      )}
      {notes.map((note) => (
        <p key={note} class="note warning">
          {note}
        </p>
      ))}
      {requests.map(({ at, method, path, query, headers, body, isClipped, response }, index) => (
        <Panel
          key={at}
          title={index === 0 ? 'Request' : `Request ${index + 1}, a repeat`}
          about={`${time(at)}: ${method} ${path}${query === '' ? '' : `?${query}`}`}
        >
          <Code label={`Headers of request ${index + 1}`}>
            {Object.entries(headers)
              .map(([name, value]) => `${name}: ${value}`)
              .join('\n')}
          </Code>
          <h4>{isClipped ? 'Body, clipped' : 'Body'}</h4>
          <Code label={`Body of request ${index + 1}`}>{body === '' ? '(none)' : body}</Code>
          {response && (
            <>
              <h4>Response {response.status}</h4>
              <Code label={`Response of the webhook ${index + 1}`}>{response.body}</Code>
            </>
          )}
        </Panel>
      ))}
      {input !== undefined && (
        <Panel title="Input after validation">
          <Code label="Input after validation">{input}</Code>
        </Panel>
      )}
    </>
  )
}

/** The outcome, and the events that Keptn received. */
export function Answer({ call }: { call: CallDetail }) {
  const { outcome, events, engine, endedAt, deadlineAt, answer } = call
  const links = Object.entries(outcome?.links ?? {})
  return (
    <>
      {endedAt === undefined && deadlineAt !== undefined && (
        <p class="note">
          No answer yet. {engine === '' || answer === 'none' ? 'The status' : engine} gets exactly one: when the call
          ends, or at its deadline {distance(deadlineAt, now.value)}.
        </p>
      )}
      {outcome && (
        <Panel title="Outcome" about={call.mode === 'silent' ? 'the response' : undefined}>
          {links.length > 0 && (
            <p class="row">
              {links.map(([name, url]) =>
                /^https?:/.test(url) ? (
                  <a key={name} href={url} target="_blank" rel="noreferrer">
                    {name}
                  </a>
                ) : (
                  <span key={name}>{name}</span>
                ),
              )}
            </p>
          )}
          <Code label="Outcome">{outcome}</Code>
        </Panel>
      )}
      {events.map(({ at, event }, number) => (
        <Panel
          key={at}
          title={String((event as { type?: string }).type ?? 'Event')}
          about={`Keptn, ${time(Date.parse(at))}`}
        >
          <Code label={`Event ${number + 1}`}>{event}</Code>
        </Panel>
      ))}
    </>
  )
}

/** The lines of the functions. */
export function Log({ call }: { call: CallDetail }) {
  if (call.logProblem !== undefined) return <p class="note fail">{call.logProblem}</p>
  if (call.log.length === 0) return <p class="note">The log has no lines of this call.</p>
  return (
    <section class="panel">
      <ol class="log">
        {call.log.map(({ at, level, message, facts, reason }, index) => (
          <li key={index}>
            <time dateTime={new Date(at).toISOString()}>{clockWithMs(at)}</time>
            <span class={`lv ${level}`}>{level}</span>
            <span>
              {message}
              {reason !== undefined && `: ${reason}`} <span class="muted">{facts}</span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}
