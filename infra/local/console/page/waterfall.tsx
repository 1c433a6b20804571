import { useState } from 'preact/hooks'
import { type AxisPart, ticksOf } from '../axis.ts'
import type { CallDetail } from '../call-view.ts'
import type { Row } from '../waterfall-row.ts'
import { linkToCall } from './call-link.ts'
import { clock, duration, zone } from './format.ts'
import { Icon } from './icons.tsx'
import { now } from './live.ts'
import { ExchangeView } from './requests.tsx'

/** The course of a call on a time axis. A selected request shows its headers and bodies below. */
export function WaterfallChart({ call }: { call: CallDetail }) {
  const { rows, parts } = call.waterfall
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [selected, setSelected] = useState<number | undefined>(undefined)
  const shown = visibleRows(rows, open)
  const place = (at: number) => placeOn(parts, at)
  const toggle = (key: string) => {
    const next = new Set(open)
    if (!next.delete(key)) next.add(key)
    setOpen(next)
  }
  const request = selected === undefined ? undefined : call.outgoing[selected]
  const start = parts[0]?.from ?? call.at
  return (
    <>
      <section class="panel wf" aria-label="Waterfall">
        <Axis parts={parts} />
        <div class="breaks" aria-hidden="true">
          {parts
            .filter(({ isCompressed }) => isCompressed)
            .map(({ from, start: left, end }) => (
              <i key={from} style={{ left: `${left}%`, width: `${end - left}%` }} />
            ))}
        </div>
        <ol>
          {shown.map((row) => (
            <RowView
              key={row.key}
              row={row}
              hasMore={row.isFolded !== undefined && hasRowsBelow(rows, row)}
              isOpen={isUnfolded(row, open)}
              isSelected={row.request !== undefined && row.request === selected}
              place={place}
              start={start}
              onToggle={() => toggle(row.key)}
              onSelect={() => setSelected(row.request === selected ? undefined : row.request)}
            />
          ))}
        </ol>
      </section>
      {request && (
        <section class="panel" aria-label="Selected request">
          <header>
            <h3 class="cut">
              {request.platform}: {request.method} {request.path ?? ''}
            </h3>
            <span class="grow" />
            <button type="button" class="btn s" onClick={() => setSelected(undefined)}>
              Close
            </button>
          </header>
          <ExchangeView request={request} number={(selected ?? 0) + 1} />
        </section>
      )}
    </>
  )
}

/** Rows below a folded row are hidden until it is opened. */
function visibleRows(rows: readonly Row[], open: ReadonlySet<string>): Row[] {
  let hiddenBelow: number | undefined
  return rows.filter((row) => {
    if (hiddenBelow !== undefined && row.level > hiddenBelow) return false
    hiddenBelow = undefined
    if (row.isFolded !== undefined && !isUnfolded(row, open)) hiddenBelow = row.level
    return true
  })
}

/** A click turns the first state of a row around. */
function isUnfolded({ isFolded, key }: Row, open: ReadonlySet<string>): boolean {
  return open.has(key) === (isFolded ?? false)
}

function hasRowsBelow(rows: readonly Row[], row: Row): boolean {
  const next = rows[rows.indexOf(row) + 1]
  return next !== undefined && next.level > row.level
}

/** Returns the place of a time in percent of the width. */
function placeOn(parts: readonly AxisPart[], at: number): number {
  const part = parts.find(({ to }) => at <= to) ?? parts.at(-1)
  if (!part) return 0
  const share = (at - part.from) / Math.max(part.to - part.from, 1)
  return part.start + Math.min(1, Math.max(0, share)) * (part.end - part.start)
}

/** The last label needs the rest of the width, in percent. */
const MAX_LABEL_PLACE = 85

function Axis({ parts }: { parts: AxisPart[] }) {
  const [first] = parts
  const last = parts.at(-1)
  if (!first || !last) return null
  const length = last.to - first.from
  return (
    <div class="axis" aria-hidden="true">
      <span>
        {clock(first.from)} {zone(first.from)}
      </span>
      <span class="lane">
        <Label at={first.start} text="0" />
        {ticksOf(parts).map((at) => (
          <Label key={at} at={placeOn(parts, at)} text={duration(at - first.from)} isMinor />
        ))}
        {parts
          .filter(({ isCompressed, end }) => isCompressed && end < MAX_LABEL_PLACE)
          .map(({ from, to, start, end }) => (
            <Label key={from} at={(start + end) / 2} text={duration(to - from)} isMinor />
          ))}
        <Label at={last.end} text={duration(length)} />
      </span>
      <span class="num">Time</span>
    </div>
  )
}

function Label({ at, text, isMinor = false }: { at: number; text: string; isMinor?: boolean }) {
  const align = at < 5 ? 'first' : at > 94 ? 'last' : ''
  return (
    <span class={`${isMinor ? 'desk' : ''} ${align}`} style={{ left: `${at}%` }}>
      {text}
    </span>
  )
}

const MAX_NAME_LENGTH = 30

interface RowProps {
  row: Row
  hasMore: boolean
  isOpen: boolean
  isSelected: boolean
  place: (at: number) => number
  start: number
  onToggle: () => void
  onSelect: () => void
}

function RowView({ row, hasMore, isOpen, isSelected, place, start, onToggle, onSelect }: RowProps) {
  const { level, kind, name, note, tone, from, to, request, call } = row
  const isButton = request !== undefined || hasMore
  const content = (
    <>
      {hasMore && <Icon name={isOpen ? 'down' : 'right'} />}
      <span class={`cut${request === undefined ? '' : ' mono'}`} title={name}>
        {call === undefined ? level === 0 ? <b>{name}</b> : shortPath(name) : <a href={linkToCall(call)}>{name}</a>}
      </span>
      <span class={`c ${tone}${/^\d{3}$/.test(note) ? ' mono' : ' small'}`}>
        {kind === 'next' ? `in ${duration(Math.max(0, to - now.value))}` : note}
      </span>
    </>
  )
  return (
    <li class={`${tone} l${level}${isSelected ? ' sel' : ''}`}>
      {isButton ? (
        <button
          type="button"
          class="name"
          aria-expanded={hasMore ? isOpen : isSelected}
          onClick={request === undefined ? onToggle : onSelect}
        >
          {content}
        </button>
      ) : (
        <span class="name">{content}</span>
      )}
      <span class="lane" aria-hidden="true">
        <Marks row={row} place={place} />
      </span>
      <span class="num muted">{timeOf(kind, from, to, start)}</span>
    </li>
  )
}

/** Shortens a long path to its end, which tells the requests of a platform apart. */
function shortPath(name: string): string {
  const [method, path = ''] = name.split(' ')
  return path.startsWith('/') && name.length > MAX_NAME_LENGTH
    ? `${method} ..${path.slice(path.lastIndexOf('/'))}`
    : name
}

function timeOf(kind: Row['kind'], from: number, to: number, start: number): string {
  if (kind === 'answer' || kind === 'deadline') return duration(to - start)
  if (kind === 'next') return ''
  return to > from ? duration(to - from) : ''
}

function Marks({ row, place }: Pick<RowProps, 'row' | 'place'>) {
  const { kind, tone, from, to, ticks, waitUntil } = row
  const left = place(from)
  const right = place(to)
  const bar = (name: string, start = left, end = right) => (
    <i class={`bar ${name} ${tone}`} style={{ left: `${start}%`, width: `max(3px, ${end - start}%)` }} />
  )
  switch (kind) {
    case 'moment':
      return <i class={`mark ${tone}`} style={{ left: `${right}%` }} />
    case 'answer':
      return <i class={`mark answer ${tone}`} style={{ left: `${right}%` }} />
    case 'deadline':
      return <i class="mark" style={{ left: `${right}%` }} />
    case 'step':
      return bar('span')
    case 'wait':
      return bar('now')
    case 'next':
      return bar('next')
    case 'polls':
      return (
        <>
          {bar('span')}
          {ticks?.map(({ at, bad }) => (
            <i key={at} class={`tick ${bad ? 'bad' : ''}`} style={{ left: `${place(at)}%` }} />
          ))}
        </>
      )
    case 'attempt':
    case 'request':
      return (
        <>
          {bar('req')}
          {waitUntil !== undefined && waitUntil > to && bar('wait', right, place(waitUntil))}
        </>
      )
  }
}
