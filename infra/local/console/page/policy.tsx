import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { PolicyView } from '../policy-view.ts'
import { get, messageOf } from './api.ts'
import { linkToCall } from './call-link.ts'
import { age, count, distance, plural, time } from './format.ts'
import { listen, now, throttle } from './live.ts'
import { NoPolicy } from './no-policy.tsx'
import { Table } from './table.tsx'
import { TurnLanes } from './turn-lanes.tsx'

const REFRESH_MS = 2_000

const view = signal<PolicyView | undefined>(undefined)
const problem = signal('')

async function read(): Promise<void> {
  try {
    view.value = await get<PolicyView>('/console/policy')
    problem.value = ''
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** The rules, what they decided lately, and what waits because of them. */
export function Policy() {
  useEffect(() => {
    void read()
    const again = throttle(() => void read(), REFRESH_MS)
    const stops = [listen('calls', again), listen('ready', () => void read())]
    return () => {
      for (const stop of stops) stop()
    }
  }, [])
  const shown = view.value
  return (
    <div class="page">
      <div class="pagehead">
        <h1>Policy</h1>
        {shown?.policy && <Enforcement policy={shown.policy} />}
      </div>
      <Note text={problem.value} tone="fail" />
      <Note text={shown?.problem} tone="warning" />
      <Note text={shown?.notice} />
      {shown && (
        <>
          {shown.policy && <Rules policy={shown.policy} since={shown.since} />}
          {shown.example !== undefined && <NoPolicy example={shown.example} />}
          {shown.lanes && <TurnLanes lanes={shown.lanes} />}
          <div class="cols half">
            <Waiting view={shown} />
            <Decisions view={shown} />
          </div>
        </>
      )}
    </div>
  )
}

function Note({ text = '', tone = '' }: { text?: string | undefined; tone?: string }) {
  return text === '' ? null : (
    <p class={`note ${tone}`} role="status">
      {text}
    </p>
  )
}

type Rules = NonNullable<PolicyView['policy']>

function Enforcement({ policy: { enforce, digest, rules } }: { policy: Rules }) {
  return (
    <span class={enforce ? 'muted' : 'tone warning strong'}>
      {plural(rules.length, 'rule')}
      {enforce ? ', enforced' : ', only logged (enforce: false): they refuse nothing, and no call waits for them'}
      {`. Digest: ${digest}`}
    </span>
  )
}

function Rules({ policy: { enforce, rules }, since }: { policy: Rules; since: number }) {
  return (
    <section class="panel">
      <header class="wrap">
        <h2>Rules</h2>
        <span class="muted">They only restrict: all that match a call apply. Counts since {time(since)}</span>
      </header>
      <Table
        class="cells rules"
        rows={rules}
        keyOf={({ name }) => name}
        columns={[
          {
            name: 'Rule',
            isTitle: true,
            cell: ({ name, text }) => (
              <>
                <b>{name}</b>
                <p class="muted">{text}</p>
              </>
            ),
          },
          {
            name: 'Now',
            cell: ({ state, isOpen }) =>
              state === '' ? 'Always' : <span class={isOpen ? '' : 'tone warning'}>{state}</span>,
          },
          { name: 'Matched', class: 'num', cell: ({ matched }) => count(matched) },
          { name: enforce ? 'Refused' : 'Would refuse', class: 'num', cell: ({ refused }) => count(refused) },
          {
            name: 'Last',
            class: 'num',
            nowrap: true,
            cell: ({ lastAt }) => (lastAt === undefined ? 'never' : `${age(now.value - lastAt)} ago`),
          },
        ]}
      />
    </section>
  )
}

function Waiting({ view: { waiting } }: { view: PolicyView }) {
  return (
    <Items title="Waiting now" subtitle="for people, a window or a turn" none="Nothing waits.">
      {waiting.map(({ call, at, name, detail, until }) => (
        <Item
          key={call}
          call={call}
          name={name}
          state={`for ${age(now.value - at)}`}
          detail={detail}
          time={until === undefined ? '' : `ends ${distance(until, now.value)}`}
        />
      ))}
    </Items>
  )
}

function Decisions({ view: { decisions, since } }: { view: PolicyView }) {
  const none = `No rule has matched a call since ${time(since)}.`
  return (
    <Items title="Decided lately" subtitle="for calls that a rule matches" none={none}>
      {decisions.map(({ call, at, name, origin, detail, effect, isRefused }, index) => (
        <Item
          key={index}
          call={call}
          name={name}
          origin={origin}
          state={effect}
          tone={isRefused ? 'fail' : ''}
          detail={detail}
          time={`${age(now.value - at)} ago`}
        />
      ))}
    </Items>
  )
}

function Items(props: { title: string; subtitle: string; none: string; children: JSX.Element[] }) {
  const { title, subtitle, none, children } = props
  return (
    <section class="panel">
      <header class="wrap">
        <h2>{title}</h2>
        <span class="muted">{subtitle}</span>
      </header>
      {children.length === 0 && <p class="body muted">{none}</p>}
      <ul class="approvals">{children}</ul>
    </section>
  )
}

interface ItemProps {
  call: string
  name: string
  origin?: string
  state: string
  tone?: string
  detail: string
  time: string
}

function Item({ call, name, origin = '', state, tone = '', detail, time }: ItemProps) {
  return (
    <li>
      <span class="grow">
        {call === '' ? name : <a href={linkToCall(call)}>{name}</a>} {origin}
      </span>
      <span class={`tone ${tone}`}>{state}</span>
      <span class="muted small grow">{detail}</span>
      <span class="muted small">{time}</span>
    </li>
  )
}
