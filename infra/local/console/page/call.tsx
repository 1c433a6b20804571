import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { CallDetail } from '../call-view.ts'
import type { CallAction } from '../routes.ts'
import { ApiError, messageOf as errorMessage, get, send } from './api.ts'
import { ApprovalPanels, DecideLink } from './approval.tsx'
import { messageOf } from './call-row.tsx'
import { closeCall, linkToCall } from './calls.tsx'
import { Code } from './code.tsx'
import { copy, curlOf } from './copy.ts'
import { clock, clockWithMs, distance, duration, plural, time } from './format.ts'
import { listen, now, throttle } from './live.ts'
import { Requests } from './requests.tsx'
import { go, linkTo, route, setQuery } from './route.ts'
import { stack, taskCommand } from './stack.ts'
import { Verdict } from './verdict.tsx'
import { WaterfallChart } from './waterfall.tsx'

/** The parts of a call, in the order of the keys 1 to 5. */
const tabs = ['waterfall', 'requests', 'input', 'answer', 'log'] as const
type Tab = (typeof tabs)[number]

const RELOAD_MS = 250

/** The open call. The keyboard shortcuts act on it. */
export const openCall = signal<CallDetail | undefined>(undefined)
const problem = signal('')
/** The result of the latest action, or the question before it. */
const notice = signal<{ text: string; isBad: boolean } | undefined>(undefined)
const question = signal<'rerun' | 'cancel' | undefined>(undefined)

/** Shows a part of the open call. @param number from 1 */
export function showTab(number: number): void {
  const tab = tabs[number - 1]
  if (openCall.value && tab) setQuery({ tab })
}

async function act(what: CallAction): Promise<void> {
  const call = openCall.value
  if (!call) return
  question.value = undefined
  try {
    const { status, body, id } = await send<{ status: number; body: string; id?: string }>(
      'POST',
      `/console/calls/${encodeURIComponent(call.id)}/${what}`,
    )
    if (what === 'rerun' && id !== undefined) return go(linkToCall(id))
    const { detail, message } = JSON.parse(body === '' ? '{}' : body) as { detail?: string; message?: string }
    notice.value = { text: status < 400 ? done[what] : (detail ?? message ?? `Status ${status}`), isBad: status >= 400 }
  } catch (error) {
    notice.value = { text: errorMessage(error), isBad: true }
  }
}

const done: Record<CallAction, string> = {
  rerun: 'The call is being run again.',
  cancel: 'The call is being canceled.',
  answer: 'The answer is being sent again.',
  try: 'The next attempt starts.',
}

/** Asks before it runs the open call again, because that acts at a real platform. */
export function askToRerun(): void {
  if (stack) copyCommand('rerun')
  else if (openCall.value) question.value = 'rerun'
}

/** Withdraws the question. Returns whether there was one. */
export function withdrawQuestion(): boolean {
  const wasAsked = question.value !== undefined
  question.value = undefined
  return wasAsked
}

/** Opens Send with the request of the open call. */
export function editAndRerun(): void {
  const call = openCall.value
  if (call && !stack) go(linkTo(['send', call.category, call.action.split(' ', 1)[0] ?? ''], { from: call.id }))
}

export function copyAsCurl(): void {
  const request = openCall.value?.requests[0]
  if (!request) return
  copy(curlOf({ ...request, type: request.headers['content-type'] }))
}

/** Copies the requests to platforms and their responses, for the test of a provider. */
function copyAsFixture(): void {
  const exchanges = openCall.value?.outgoing.map(({ platform, method, path, status, exchange }) => ({
    platform,
    request: { method, path: `${path ?? ''}${exchange?.query ?? ''}`, body: parsed(exchange?.body) },
    response: { status, body: parsed(exchange?.responseBody) },
  }))
  copy(JSON.stringify(exchanges, null, 2))
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return text === '' ? undefined : text
  }
}

function exportJson(): void {
  const call = openCall.value
  if (!call) return
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([JSON.stringify(call, null, 2)], { type: 'application/json' }))
  link.download = `call-${call.id.slice(0, 8)}.json`
  link.click()
  URL.revokeObjectURL(link.href)
}

/** The call of the URL. */
export function CallDetails({ id }: { id: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    openCall.value = undefined
    problem.value = ''
    notice.value = undefined
    question.value = undefined
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

function Facts({ call }: { call: CallDetail }) {
  const { at, endedAt, engine, context, place, task, caller, requests, attempts, failedAttempts, deadlineAt } = call
  const { reminderAt } = call.approval ?? {}
  const origin = requests[0]?.headers['x-rerun-of']
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
      {reminderAt !== undefined ? (
        <Fact name="Reminder">
          {time(reminderAt)}
          {`${distance(reminderAt, now.value)}, if no one has decided`}
        </Fact>
      ) : (
        <Fact name={running ? 'Attempts' : 'Duration'}>
          <span class="strong">
            {running ? plural(attempts, 'attempt') : duration(endedAt - at)}
            {failedAttempts > 0 && `, ${failedAttempts} failed`}
          </span>
          {running ? `running for ${duration(now.value - at)}` : ended(call)}
        </Fact>
      )}
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

function Actions({ call }: { call: CallDetail }) {
  const hasRequests = call.requests.length > 0
  return (
    <div class="row hscroll actions">
      {call.verdict === 'waiting' && <DecideLink call={call} />}
      {stack ? <Commands call={call} /> : <RuntimeActions call={call} />}
      <span class="grow" />
      {hasRequests && (
        <button type="button" class="btn quiet" onClick={copyAsCurl}>
          Copy as curl
        </button>
      )}
      <button type="button" class="btn quiet" onClick={() => copy(call.id)}>
        Copy id
      </button>
      {!stack && (
        <button type="button" class="btn quiet" onClick={copyAsFixture}>
          Copy as fixture
        </button>
      )}
      <button type="button" class="btn quiet" onClick={exportJson}>
        Export
      </button>
    </div>
  )
}

/** Copies a command that does something with the open task of a stack, if it can be done. */
function copyCommand(what: 'rerun' | 'cancel' | 'answer'): void {
  const call = openCall.value
  if (call && reasonAgainst(call, what) === undefined) copy(taskCommand(call, what))
}

const commandTitles = { rerun: 'Copy re-run command', cancel: 'Copy cancel command', answer: 'Copy answer command' }

/** The commands that take the place of the actions for a deployed stack. */
function Commands({ call }: { call: CallDetail }) {
  return (Object.keys(commandTitles) as (keyof typeof commandTitles)[]).map((what) => {
    const reason = reasonAgainst(call, what)
    return (
      <button
        key={what}
        type="button"
        class="btn"
        disabled={reason !== undefined}
        title={reason}
        onClick={() => copyCommand(what)}
      >
        {commandTitles[what]}
      </button>
    )
  })
}

/** Returns why something cannot be done with a call. */
function reasonAgainst(
  { mode, endedAt, verdict, answer }: CallDetail,
  what: 'rerun' | 'cancel' | 'answer',
): string | undefined {
  const isTask = mode !== 'silent'
  const isRunning = endedAt === undefined
  if (what === 'cancel') return isTask && isRunning ? undefined : 'Only a running interactive call can be canceled'
  if (what === 'answer' && isTask && answer === 'none') return 'No orchestrator gets the result: the caller reads it'
  if (what === 'answer') return isTask && !isRunning ? undefined : 'Only an ended interactive call has an answer'
  if (!isTask || isRunning) return 'Only an ended interactive call can be run again'
  return verdict === 'pass' || verdict === 'warning' ? 'This call has passed' : undefined
}

/** The wait of a call can be skipped. Any other call can be run again. */
function FirstAction({ call: { verdict } }: { call: CallDetail }) {
  const isRetrying = verdict === 'retrying'
  return (
    <button
      type="button"
      class={verdict === 'running' ? 'btn' : 'btn primary'}
      onClick={isRetrying ? () => void act('try') : askToRerun}
    >
      {isRetrying ? 'Try now' : 'Re-run'}
    </button>
  )
}

function RuntimeActions({ call }: { call: CallDetail }) {
  const cancelReason = reasonAgainst(call, 'cancel')
  const answerReason = reasonAgainst(call, 'answer')
  return (
    <>
      {call.verdict !== 'waiting' && <FirstAction call={call} />}
      <button type="button" class="btn" onClick={editAndRerun}>
        Edit and re-run
      </button>
      <button
        type="button"
        class="btn danger"
        disabled={cancelReason !== undefined}
        title={cancelReason}
        onClick={() => {
          question.value = 'cancel'
        }}
      >
        Cancel call
      </button>
      <button
        type="button"
        class="btn"
        disabled={answerReason !== undefined}
        title={answerReason}
        onClick={() => void act('answer')}
      >
        Answer again
      </button>
    </>
  )
}

/** The question before an action, and its result. In place, so that it stays next to its button. */
function Notice({ call }: { call: CallDetail }) {
  const asked = question.value
  if (asked !== undefined) {
    const where = call.platform || call.provider || 'its platform'
    const text =
      asked === 'rerun'
        ? `Run ${call.action} again? It acts at ${where} once more, as a new call.`
        : `Cancel this call? Its job at ${where} is stopped if it can be, and ${call.engine || 'the caller'} gets aborted.`
    return (
      <div class="note warning row" role="alertdialog" aria-label="Confirm">
        <span class="grow">{text}</span>
        <button type="button" class="btn" onClick={() => void act(asked)}>
          {asked === 'rerun' ? 'Run again' : 'Cancel call'}
        </button>
        <button type="button" class="btn" onClick={withdrawQuestion}>
          Keep it
        </button>
      </div>
    )
  }
  return notice.value ? (
    <p class={`note ${notice.value.isBad ? 'fail' : 'running'}`} role="status">
      {notice.value.text}
    </p>
  ) : null
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
      return (
        <>
          {call.approval && <ApprovalPanels call={call} approval={call.approval} />}
          <WaterfallChart call={call} />
        </>
      )
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
