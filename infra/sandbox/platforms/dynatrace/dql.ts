/** A stored event: an object without nesting. */
export type Event = Record<string, unknown>

/**
 * Parses a DQL query: `fetch <source> | filter <condition> and <condition> | sort timestamp desc | limit 1`. A condition is
 * `field == "text"` or `contains(toString(field), "text")`.
 *
 * @returns the source and a function that runs the query on its events, oldest first; or the error of an invalid query
 */
export function parseDql(query: string): { source: string; run(events: Event[]): Event[] } | string {
  const [head = '', ...commands] = query.split('|').map((part) => part.trim())
  const [, source] = /^fetch (events|bizevents)(?:, *from: *now\(\) *- *\d+[mhd])?$/.exec(head) ?? []
  if (source === undefined) return `not readable: ${head}`
  const steps: ((events: Event[]) => Event[])[] = []
  for (const command of commands) {
    const step = stepOf(command)
    if (typeof step === 'string') return step
    steps.push(step)
  }
  return { source, run: (events) => steps.reduce((found, step) => step(found), events) }
}

function stepOf(command: string): ((events: Event[]) => Event[]) | string {
  const [, limit] = /^limit (\d+)$/.exec(command) ?? []
  if (limit !== undefined) return (events) => events.slice(0, Number(limit))
  if (command === 'sort timestamp desc') return (events) => events.toReversed()
  const [, conditions] = /^filter (.+)$/s.exec(command) ?? []
  if (conditions === undefined) return `not readable: ${command}`
  const tests: ((event: Event) => boolean)[] = []
  for (const condition of conditions.split(/\s+and\s+/)) {
    const [, equal, text] = /^([\w.]+) == "((?:[^"\\]|\\.)*)"$/.exec(condition) ?? []
    const [, within, part] = /^contains\(toString\(([\w.]+)\), "((?:[^"\\]|\\.)*)"\)$/.exec(condition) ?? []
    if (equal !== undefined && text !== undefined) tests.push((event) => event[equal] === plain(text))
    else if (within !== undefined && part !== undefined)
      tests.push((event) => String(event[within]).includes(plain(part)))
    else return `not readable: ${condition}`
  }
  return (events) => events.filter((event) => tests.every((holds) => holds(event)))
}

function plain(text: string): string {
  return text.replace(/\\(.)/g, '$1')
}
