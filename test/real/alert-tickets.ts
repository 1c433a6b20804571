import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Service, until } from '../e2e/service.ts'

const TOKEN = 'a-token-of-a-real-server'

/**
 * Returns the shipped bundles with rules that open a ticket when an alert of a sender starts, and close it when the alert ends.
 *
 * @param type of the source, which has the same name
 * @param title JMESPath over an alert
 */
export function ticketsOfAlerts(folder: string, type: string, title: string) {
  const open = { name: 'open', source: type, call: 'issue-ticketing/open-issue', input: `{title: ${title}}` }
  const close = { name: 'close', source: type, call: 'issue-ticketing/close-issue', closes: 'open' }
  const eventsFile = join(folder, 'events.yaml')
  writeFileSync(eventsFile, JSON.stringify({ sources: { [type]: { type } }, rules: [open, close] }))
  const service = new Service({
    eventsFile,
    secrets: { [`cloud-automation-webhooks/sources/${type}`]: { token: TOKEN, allow: ['issue-ticketing/*'] } },
  })
  /** Returns the states of the tickets with a title. */
  const tickets = async (name: string): Promise<string[]> => {
    const issues = await service.issues()
    return issues.filter((issue) => issue.title === name).map(({ state }) => state)
  }
  return {
    service,
    token: TOKEN,
    tickets,
    /** Waits until the tickets with a title have these states. */
    async expectTickets(name: string, states: string[]): Promise<void> {
      const expected = states.join()
      let found = ''
      const isExpected = async () => {
        found = (await tickets(name)).sort().join()
        return found === expected
      }
      await until(isExpected, 30, () => `the tickets ${expected} of ${name}, which are ${found}`)
    },
    /** Returns how many notifications were accepted, over all starts. */
    deliveries: () => service.logs().filter(({ source, status }) => source === type && status === 200).length,
  }
}
