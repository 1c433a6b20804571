import type { Category } from '../../shared/providers/category.ts'
import type { MessageProvider } from '../../shared/providers/message.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'

type Load = Category['providers'][string]

/** Platforms of messages as ones that take reports, by the names that they have here. */
export function reportsOfMessages(providers: Record<string, Load | undefined>): Category['providers'] {
  return asReports(providers, async (provider) =>
    (await import('./message-report.ts')).messageReport(provider as unknown as MessageProvider),
  )
}

/** Platforms of tickets as ones that take reports, by the names that they have here. */
export function reportsOfTickets(providers: Record<string, Load | undefined>): Category['providers'] {
  return asReports(providers, async (provider) =>
    (await import('./ticket-report.ts')).ticketReport(provider as unknown as TicketProvider),
  )
}

function asReports(
  providers: Record<string, Load | undefined>,
  asReport: (provider: Provider) => Promise<unknown>,
): Category['providers'] {
  const there = Object.entries(providers).filter((entry): entry is [string, Load] => entry[1] !== undefined)
  return Object.fromEntries(
    there.map(([name, load]): [string, Load] => {
      // One for the life of the process: its schema is kept by it.
      let made: Promise<Provider> | undefined
      const make = async () => (await asReport(await load())) as Provider
      return [
        name,
        () => {
          made ??= make()
          return made
        },
      ]
    }),
  )
}
