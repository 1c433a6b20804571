import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { CallDetail } from '../call-view.ts'
import { ApiError, messageOf as errorMessage, get } from './api.ts'
import { ApprovalPanels } from './approval.tsx'
import { Actions } from './call-actions.tsx'
import { closeCall } from './call-cursor.ts'
import { Facts } from './call-facts.tsx'
import { clearNotice, Notice } from './call-notice.tsx'
import { Answer, Input, Log } from './call-panes.tsx'
import { messageOf } from './call-row.tsx'
import { listen, throttle } from './live.ts'
import { openCall } from './open-call.ts'
import { Requests } from './requests.tsx'
import { RequirementPanels } from './requirements.tsx'
import { route, setQuery } from './route.ts'
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

/** Reads a call, and again after each change. @returns a function that stops it */
function follow(id: string, onRead: () => void): () => void {
  const read = async () => {
    try {
      openCall.value = await get<CallDetail>(`/console/calls/${encodeURIComponent(id)}`)
      problem.value = ''
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) openCall.value = undefined
      problem.value = errorMessage(error)
    }
  }
  void read().then(onRead)
  const again = throttle(() => void read(), RELOAD_MS)
  const stops = [
    listen('calls', ({ changed }) => {
      const asking = openCall.value?.asking?.map((call) => call.id) ?? []
      if (changed.some((call) => call.id.startsWith(id) || asking.includes(call.id))) again()
    }),
    listen('ready', again),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

/** The call of the URL. */
export function CallDetails({ id }: { id: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    openCall.value = undefined
    problem.value = ''
    clearNotice()
    return follow(id, () => {
      // On a phone and a tablet, the call replaces the list.
      if (matchMedia('(max-width: 1099px)').matches) heading.current?.focus()
    })
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
        <Message call={call} />
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

/** How often a repeated call was run, which is what its caller wants to know first, and its message. */
function Message({ call }: { call: CallDetail }) {
  const { requests, verdict, endedAt } = call
  const isRepeated = requests.length > 1 && verdict !== 'refused'
  const text = messageOf(call)
  if (text === '' && !isRepeated) return null
  return (
    <p class={`note ${verdict}`}>
      {isRepeated && (
        <strong class="once">
          Received {requests.length} times, {endedAt === undefined ? 'runs' : 'run'} once
        </strong>
      )}
      {text}
    </p>
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
      return (
        <>
          {call.approval && <ApprovalPanels call={call} approval={call.approval} />}
          {call.policyWait && <RequirementPanels call={call} wait={call.policyWait} />}
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
