import { clockTime } from '../clock-time.ts'
import { mask } from './webhook-service.ts'

/** Prints the events and calls of a run with their time. Masks secrets. */
export class Journal {
  private readonly print: (line: string) => void
  private readonly secrets: Readonly<Record<string, string>>

  constructor(print: (line: string) => void, secrets: Readonly<Record<string, string>>) {
    this.print = print
    this.secrets = secrets
  }

  /** @param direction `->` from Keptn to the receiver, `<-` back, empty for events inside Keptn */
  line(direction: '->' | '<-' | '', ...parts: readonly string[]): void {
    const text = parts.filter((part) => part !== '').join('  ')
    this.print(`${clockTime(Date.now())}  ${direction.padEnd(2)}  ${mask(text, this.secrets)}`)
  }

  warn(text: string): void {
    this.line('', `warning: ${text}`)
  }
}

/** Shortens a message to one line by removing its middle: the reason of a failure is at the end. */
export function shorten(message: string, length = 200): string {
  const line = message.replace(/\s+/g, ' ').trim()
  if (line.length <= length) return line
  const head = Math.floor(length / 3)
  return `${line.slice(0, head)} ... ${line.slice(line.length - (length - head))}`
}
