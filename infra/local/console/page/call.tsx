import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Approval, CallDetail } from '../call-view.ts'
import { ApiError, messageOf as errorMessage, get } from './api.ts'
import { Actions, clearNotice, isDecidedInChat, Notice } from './call-actions.tsx'
import { messageOf } from './call-row.tsx'
import { closeCall, linkToCall } from './calls.tsx'
import { Code } from './code.tsx'
import { clock, clockWithMs, distance, duration, plural, time } from './format.ts'
import { listen, now, throttle } from './live.ts'
import { openCall } from './open-call.ts'
import { Requests } from './requests.tsx'
import { linkTo, route, setQuery } from './route.ts'
import { stack } from './stack.ts'
import { Verdict } from './verdict.tsx'
import { WaterfallChart } from './waterfall.tsx'

/** The parts of a call, in the order of the keys 1 to 5. */
const tabs = ['waterfall', 'requests', 'input', 'answer', 'log'] as const
type Tab = (typeof tabs)[number]

const RELOAD_MS = 250

const problem = signal('')

/** Shows a part of the open call. @param number from 1 */
export function showTab(number: number): void {
  const tab = tabs[number - 1]
  if (openCall.value && tab) setQuery({ tab })
}

/** The call of the URL. */
export function CallDetails({ id }: { id: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    openCall.value = undefined
    problem.value = ''
    clearNotice()
    const read = async () => {
      try {
        openCall.value = await get<CallDetail>(`/console/calls/${encodeURIComponent(id)}`)
        problem.value = ''
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) openCall.value = undefined
        problem.value = errorMessage(error)
      }
    }
    void read().then(() => {
      // On a phone and a tablet, the call replaces the list.
      if (matchMedia('(max-width: 1099px)').matches) heading.current?.focus()
    })
    const again = throttle(() => void read(), RELOAD_MS)
    const stops = [
      listen('calls', ({ changed }) => {
        if (changed.some((call) => call.id.startsWith(id))) again()
      }),
      listen('ready', again),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }, [id])

  const call = openCall.value
  if (!call) {
    return (
      <article class="detail" aria-label="Call">
        <p class="empty note" role={problem.value === '' ? undefined : 'alert'}>
          {problem.value === '' ? 'Reading the call' : problem.value} <a href="#/calls">Back to the calls</a>
        </p>
      </article>
    )
  }
  const tab = tabs.find((name) => name === route.value.query.get('tab')) ?? 'waterfall'
  return (
    <article class="detail" aria-label={`Call ${call.id.slice(0, 8)}`}>
      <header class="dhead">
        <button type="button" class="btn quiet narrow" onClick={closeCall}>
          Back to the calls
        </button>
        <div class="dtitle">
          <Verdict of={call.verdict} />
          <h2 ref={heading} tabIndex={-1}>
            {call.action}
          </h2>
          <span class="muted">
            {[call.category, [call.platform || call.provider, call.connection].filter(Boolean).join(' / ')]
              .filter(Boolean)
              .join(' · ')}
          </span>
        </div>
        {messageOf(call) !== '' && <p class={`note ${call.verdict}`}>{messageOf(call)}</p>}
        {call.approval && <MayDecide call={call} approval={call.approval} />}
        <Facts call={call} />
        <Actions call={call} />
        <Notice call={call} />
      </header>
      <Tabs call={call} selected={tab} />
      <div class="dbody" id={`pane-${tab}`} role="tabpanel" aria-labelledby={`tab-${tab}`}>
        <Pane call={call} tab={tab} />
      </div>
    </article>
  )
}

function MayDecide({ call, approval: { approvers, excluded } }: { call: CallDetail; approval: Approval }) {
  return (
    <p class="muted small">
      May decide: {approvers?.join(', ') ?? 'everybody who gets the message'}
      {excluded !== undefined && `, but not ${excluded}`}
      {!isDecidedInChat(call) && `. Decide in the message at ${call.platform || call.provider}`}
    </p>
  )
}

function Facts({ call }: { call: CallDetail }) {
  const { at, endedAt, engine, context, place, task, caller, requests, attempts, failedAttempts, deadlineAt } = call
  const origin = call.rerunOf ?? requests[0]?.headers['x-rerun-of']
  const running = endedAt === undefined
  return (
    <dl class="facts">
      <Fact name="For">
        <span>
          {engine || (call.mode === 'silent' ? 'a silent call' : 'polling')}
          {context !== '' && (
            <>
              {' · '}
              <a href={linkTo(['calls'], { context, group: 'sequence' })}>{task || 'same context'}</a>
            </>
          )}
        </span>
        {place}
      </Fact>
      <Fact name="Received">
        <time dateTime={new Date(at).toISOString()}>{time(at)}</time>
        {[caller === '' ? '' : `by caller ${caller}`, requests.length > 1 ? `${requests.length} times, run once` : '']
          .filter(Boolean)
          .join(', ')}
        {origin !== undefined && <a href={linkToCall(origin)}>runs {origin.slice(0, 8)} again</a>}
      </Fact>
      <Fact name={running ? 'Attempts' : 'Duration'}>
        <span class="strong">
          {running ? plural(attempts, 'attempt') : duration(endedAt - at)}
          {failedAttempts > 0 && `, ${failedAttempts} failed`}
        </span>
        {running ? `running for ${duration(now.value - at)}` : ended(call)}
      </Fact>
      {running && deadlineAt !== undefined ? (
        <Fact name="Deadline">
          <span class="strong">{time(deadlineAt)}</span>
          {`${distance(deadlineAt, now.value)}, then ${call.verdict === 'waiting' ? 'it counts as rejected' : 'errored'}`}
        </Fact>
      ) : (
        <Fact name="Answer">
          <span class="strong">{answerWords[call.answer]}</span>
          {call.answeredAt === undefined || call.answer === 'none' ? '' : time(call.answeredAt)}
        </Fact>
      )}
    </dl>
  )
}

const answerWords: Record<CallDetail['answer'], string> = {
  none: 'In the response',
  pending: 'Not yet',
  sent: 'Answered once',
  unwanted: 'Not wanted any more',
  lost: 'Not delivered: its address is lost',
}

function ended({ endedAt }: CallDetail): string {
  return endedAt === undefined ? '' : `ended at ${clock(endedAt)}`
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  const [first, ...more] = Array.isArray(children) ? children : [children]
  return (
    <div>
      <dt>{name}</dt>
      <dd>{first}</dd>
      {more.filter(Boolean).map((detail, index) => (
        <dd key={index} class="muted small">
          {detail}
        </dd>
      ))}
    </div>
  )
}

function Tabs({ call, selected }: { call: CallDetail; selected: Tab }) {
  const counts: Partial<Record<Tab, number>> = {
    requests: call.outgoing.length + call.droppedCalls,
    log: call.log.length,
  }
  const move = (step: number) => {
    const next = tabs[(tabs.indexOf(selected) + step + tabs.length) % tabs.length]
    setQuery({ tab: next })
    requestAnimationFrame(() => document.getElementById(`tab-${next}`)?.focus())
  }
  return (
    <div
      class="tabs"
      role="tablist"
      aria-label="Parts of the call"
      onKeyDown={({ key }) => {
        if (key === 'ArrowRight') move(1)
        if (key === 'ArrowLeft') move(-1)
      }}
    >
      {tabs.map((tab) => (
        <button
          key={tab}
          id={`tab-${tab}`}
          type="button"
          role="tab"
          aria-selected={tab === selected}
          aria-controls={`pane-${tab}`}
          tabIndex={tab === selected ? 0 : -1}
          onClick={() => setQuery({ tab })}
        >
          {tab.charAt(0).toUpperCase() + tab.slice(1)}
          {counts[tab] !== undefined && <span class="count"> {counts[tab]}</span>}
        </button>
      ))}
    </div>
  )
}

function Pane({ call, tab }: { call: CallDetail; tab: Tab }) {
  switch (tab) {
    case 'waterfall':
      return <WaterfallChart call={call} />
    case 'requests':
      return <Requests call={call} />
    case 'input':
      return <Input call={call} />
    case 'answer':
      return <Answer call={call} />
    case 'log':
      return <Log call={call} />
  }
}

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

function Input({ call }: { call: CallDetail }) {
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

function Answer({ call }: { call: CallDetail }) {
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

function Log({ call }: { call: CallDetail }) {
  if (call.logProblem !== undefined) return <p class="note fail">{call.logProblem}</p>
  if (call.log.length === 0) return <p class="note">The log has no lines of this call.</p>
  return (
    <section class="panel">
      <ol class="log">
        {call.log.map(({ at, level, message, reason }, index) => (
          <li key={index}>
            <time dateTime={new Date(at).toISOString()}>{clockWithMs(at)}</time>
            <span class={`lv ${level}`}>{level}</span>
            <span>
              {message}
              {reason !== undefined && `: ${reason}`}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}
