import type { Category } from '../../shared/function/category.ts'
import type { MessageProvider } from '../../shared/shapes/message.ts'
import type { TicketProvider } from '../../shared/shapes/ticket.ts'

type Load = Category['providers'][string]

/** The platforms of another category as ones that take reports: each as a message. */
export function reportsOfMessages(providers: Category['providers']): Category['providers'] {
  return asReports(providers, async (load) => {
    const { messageReport } = await import('./message-report.ts')
    return messageReport((await load()) as unknown as MessageProvider)
  })
}

/** The platforms of another category as ones that take reports: each as a comment on a ticket. */
export function reportsOfTickets(providers: Record<string, Load | undefined>): Category['providers'] {
  const there = Object.entries(providers).filter((entry): entry is [string, Load] => entry[1] !== undefined)
  return asReports(Object.fromEntries(there), async (load) => {
    const { ticketReport } = await import('./ticket-report.ts')
    return ticketReport((await load()) as unknown as TicketProvider)
  })
}

function asReports(
  providers: Category['providers'],
  asReport: (load: Load) => ReturnType<Load>,
): Category['providers'] {
  return Object.fromEntries(
    Object.entries(providers).map(([name, load]) => {
      // One provider for the life of the process: its schema is kept by it.
      let made: ReturnType<Load> | undefined
      return [name, () => (made ??= asReport(load))]
    }),
  )
}
