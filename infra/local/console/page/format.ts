const clockOf = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const shortClockOf = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayOf = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' })
const dayWithYearOf = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
})
const zoneOf = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Returns the time zone of the browser: `CET`, `UTC`. */
export function zone(at = Date.now()): string {
  return zoneOf.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC'
}

/** `Today, 14:31:15 CET`, `Thu 26 Nov, 14:31:15 CET`, `Fri 2 Jan 2027, 09:00:00 CET`. */
export function time(at: number): string {
  return `${day(at)}, ${clock(at)} ${zone(at)}`
}

/** `14:31:15` */
export function clock(at: number): string {
  return clockOf.format(at)
}

/** `14:31:15.042` */
export function clockWithMs(at: number): string {
  return `${clock(at)}.${String(new Date(at).getMilliseconds()).padStart(3, '0')}`
}

/** `Thu 14:30`, for the axis of a chart. */
export function axisTime(at: number, spanMs: number): string {
  if (spanMs > 2 * DAY) return dayOf.format(at)
  return spanMs > HOUR ? `${dayOf.format(at).slice(0, 3)} ${shortClockOf.format(at)}` : shortClockOf.format(at)
}

function day(at: number): string {
  const date = new Date(at)
  const now = new Date()
  if (date.toDateString() === now.toDateString()) return 'Today'
  return (date.getFullYear() === now.getFullYear() ? dayOf : dayWithYearOf).format(at).replace(/^(\w{3}),/, '$1')
}

/** `33 %`, and from ten on `33.3 %`: a decimal of a few calls says nothing. */
export function percent(part: number, of: number): string {
  return `${((part / of) * 100).toFixed(of < 10 || part === 0 ? 0 : 1)} %`
}

/** `312 ms`, `4.2 s`, `6 min 42 s`, `2 h 5 min`, `6 d 7 h`. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`
  const units: [number, string][] = [
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [SECOND, 's'],
  ]
  const first = units.findIndex(([unit]) => ms >= unit)
  const [unit = SECOND, name = 's'] = units[first] ?? []
  const [nextUnit, nextName] = units[first + 1] ?? []
  const count = Math.floor(ms / unit)
  const rest = nextUnit === undefined ? 0 : Math.floor((ms % unit) / nextUnit)
  return rest === 0 ? `${count} ${name}` : `${count} ${name} ${rest} ${nextName}`
}

/** The largest unit only: `54 s`, `5 min`, `2 h`, `3 d`. */
export function age(ms: number): string {
  const [amount = '', unit = ''] = duration(Math.max(ms, SECOND)).split(' ')
  return `${Math.floor(Number(amount))} ${unit}`
}

/** `in 12 s`, or `now` for the past. */
export function distance(at: number, now: number): string {
  return at <= now ? 'now' : `in ${duration(Math.ceil((at - now) / SECOND) * SECOND)}`
}

export function count(value: number): string {
  return value.toLocaleString('en-GB')
}

/** `1 call`, `2 calls`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** Formats JSON with indentation, and a form as its fields. Returns other text unchanged. */
export function pretty(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2) ?? ''
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
  } catch {
    if (!/^[\w.%+-]+=\S*$/.test(value)) return value
    return [...new URLSearchParams(value)].map(([name, text]) => `${name} = ${text}`).join('\n')
  }
}
