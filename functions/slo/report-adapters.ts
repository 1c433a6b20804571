import type { Category } from '../../shared/providers/category.ts'
import type { MessageProvider } from '../../shared/providers/message.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'

type Load = Category['providers'][string]

/** Adapts message providers to report providers. */
export function reportsOfMessages(providers: Record<string, Load | undefined>): Category['providers'] {
  return asReports(providers, async (provider) =>
    (await import('./message-report.ts')).messageReport(provider as MessageProvider),
  )
}

/** Adapts ticket providers to report providers. */
export function reportsOfTickets(providers: Record<string, Load | undefined>): Category['providers'] {
  return asReports(providers, async (provider) =>
    (await import('./ticket-report.ts')).ticketReport(provider as TicketProvider),
  )
}

function asReports(
  providers: Record<string, Load | undefined>,
  asReport: (provider: Provider) => Promise<unknown>,
): Category['providers'] {
  const defined = Object.entries(providers).filter((entry): entry is [string, Load] => entry[1] !== undefined)
  return Object.fromEntries(
    defined.map(([name, load]): [string, Load] => {
      // Caches by schema need the same provider object for the life of the process.
      let adapted: Promise<Provider> | undefined
      const adapt = async () => (await asReport(await load())) as Provider
      return [
        name,
        () => {
          adapted ??= adapt()
          return adapted
        },
      ]
    }),
  )
}
