import { h } from './dom.js'

const two = (value) => String(value).padStart(2, '0')

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Returns the time zone of the browser: `Europe/Berlin, UTC+1`. */
export function timeZone() {
  const { timeZone: name } = Intl.DateTimeFormat().resolvedOptions()
  const minutes = -new Date().getTimezoneOffset()
  if (minutes === 0) return 'UTC'
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `${name}, UTC${minutes < 0 ? '-' : '+'}${hours}${rest ? `:${two(rest)}` : ''}`
}

/** Returns `12:00:01`, with the date if it is not today: `3 Dec 12:00:01`, `3 Jan 2027 12:00:01`. */
export function clock(at, withMs = false) {
  const date = new Date(at)
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  const ms = withMs ? `.${String(date.getMilliseconds()).padStart(3, '0')}` : ''
  const now = new Date()
  const year = date.getFullYear() === now.getFullYear() ? '' : `${date.getFullYear()} `
  const isToday = date.toDateString() === now.toDateString()
  const day = isToday ? '' : `${date.getDate()} ${MONTHS[date.getMonth()]} ${year}`
  return `${day}${time}${ms}`
}

/** Renders a time. */
export function time(at, withMs = false) {
  return h('time', { datetime: new Date(at).toISOString(), title: new Date(at).toISOString() }, clock(at, withMs))
}

/** Formats a duration: `120 ms`, `4.2 s`, `3 min 10 s`, `2 h 5 min`, `6 d 4 h`. */
export function span(ms) {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([value]) => value > 0)
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

/** Renders a future time with a countdown, which `tick` updates. */
export function until(at, word = 'until') {
  const attributes = { datetime: new Date(at).toISOString(), 'data-until': at, 'data-word': word }
  return h('time.until', attributes, untilText(at, word))
}

function untilText(at, word) {
  const left = at - Date.now()
  const short = left < 60_000 ? `${Math.ceil(left / 1_000)} s` : span(left)
  return `${word} ${clock(at)}${left > 0 ? `, in ${short}` : ''}`
}

/** Renders the elapsed time, which `tick` updates. */
export function since(at) {
  return h('span.since', { 'data-since': at }, span(Date.now() - at))
}

/** Updates countdowns and elapsed times. Called once per second. */
export function tick() {
  for (const element of document.querySelectorAll('[data-until]')) {
    element.textContent = untilText(Number(element.dataset.until), element.dataset.word)
  }
  for (const element of document.querySelectorAll('[data-since]')) {
    element.textContent = span(Math.floor((Date.now() - Number(element.dataset.since)) / 100) * 100)
  }
}

/** Formats JSON with indentation and a form as its fields. Returns other text unchanged. */
export function pretty(text) {
  if (typeof text !== 'string') return JSON.stringify(text, null, 2)
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    if (/^[\w.%+-]+=[^\s]*$/.test(text)) {
      return [...new URLSearchParams(text)].map(([name, value]) => `${name} = ${value}`).join('\n')
    }
    return text
  }
}

/** Renders a code block that can be scrolled with the keyboard. */
export function code(text, label) {
  return h('pre', { tabindex: 0, role: 'region', 'aria-label': label }, text)
}

/** Renders a state with a color. */
export function badge(state, tone) {
  return h(`span.badge.${tone}`, state)
}

const tones = {
  pass: 'good',
  passed: 'good',
  warning: 'warn',
  aborted: 'warn',
  refused: 'warn',
  stopped: 'warn',
  running: 'busy',
  waiting: 'busy',
}

export function toneOf(state) {
  return tones[state] ?? 'bad'
}
