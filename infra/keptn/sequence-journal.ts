import { mask } from './webhook-service.ts'

/** Writes what happens, a line each with its time; no line ever shows a secret. */
export class Journal {
  private readonly print: (line: string) => void
  private readonly secrets: Readonly<Record<string, string>>

  constructor(print: (line: string) => void, secrets: Readonly<Record<string, string>>) {
    this.print = print
    this.secrets = secrets
  }

  /** @param direction `->` from Keptn to the receiver, `<-` back, empty for what happens inside Keptn */
  line(direction: '->' | '<-' | '', ...parts: readonly string[]): void {
    const text = parts.filter((part) => part !== '').join('  ')
    this.print(`${clock(new Date())}  ${direction.padEnd(2)}  ${mask(text, this.secrets)}`)
  }

  warn(text: string): void {
    this.line('', `warning: ${text}`)
  }
}

const clock = (now: Date): string => {
  const two = (value: number): string => String(value).padStart(2, '0')
  const milliseconds = String(now.getMilliseconds()).padStart(3, '0')
  return `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${milliseconds}`
}

/** A message on one line. The middle goes: the reason of a failure stands at the end. */
export function shorten(message: string, length = 200): string {
  const line = message.replace(/\s+/g, ' ').trim()
  if (line.length <= length) return line
  const head = Math.floor(length / 3)
  return `${line.slice(0, head)} ... ${line.slice(line.length - (length - head))}`
}
