import type { Outcome } from '../../../shared/outcome.ts'
import type { TicketProvider } from '../../../shared/providers/ticket.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { type ClientOptions, clientOf, keyOf } from '../../functions/helpers.ts'
import { isWrite } from '../common/requests.ts'
import type { Played, TicketPlatform } from '../platform.ts'

/** The differences between platforms that the conformance suite needs. */
export type TicketSubject = Pick<TicketPlatform, 'start' | 'blind' | 'neverReopens' | 'unknownId' | 'wrongId'>

/** A platform with a ticket that an earlier event opened. */
export type WithTicket = Played & { id: string }

/** Runs the actions with the platform of the current test. */
export class TicketFixture {
  readonly provider: TicketProvider
  readonly subject: TicketSubject
  readonly #current: () => WithTicket

  /** @param current returns the platform of the current test */
  constructor(provider: TicketProvider, subject: TicketSubject, current: () => WithTicket) {
    this.provider = provider
    this.subject = subject
    this.#current = current
  }

  get current(): WithTicket {
    return this.#current()
  }

  /** Starts the platform and opens a ticket of an earlier event. */
  async start(): Promise<WithTicket> {
    const platform = await this.subject.start()
    const { data } = await this.open({ key: keyOf(9) }, {}, platform)
    platform.server.calls.length = 0
    return { ...platform, id: String(data['id']) }
  }

  open(options?: ClientOptions, input: object = {}, platform: Played = this.current): Promise<Outcome> {
    const ticket = { title: 'Checkout fails', description: 'Since **14:03**.', ...this.#project(platform), ...input }
    return openTicket.run(this.provider, this.#client(platform, options), ticket)
  }

  update(input: object, options?: ClientOptions, platform = this.current): Promise<Outcome> {
    const ticket = { id: platform.id, ...this.#project(platform), ...input }
    return updateTicket.run(this.provider, this.#client(platform, options), ticket)
  }

  close(input: object = {}, options?: ClientOptions, platform = this.current): Promise<Outcome> {
    const ticket = { id: platform.id, ...this.#project(platform), ...input }
    return closeTicket.run(this.provider, this.#client(platform, options), ticket)
  }

  /** Returns the number of tickets, if the platform shows it. */
  count(): number | undefined {
    return this.current.made?.()
  }

  /** Returns the writes whose body contains a text. */
  writesOf(text: string) {
    return this.current.server.calls.filter((call) => isWrite(call) && call.text.includes(text))
  }

  #client({ connection }: Played, options?: ClientOptions) {
    return clientOf(this.provider, this.provider.connection.parse(connection), options)
  }

  #project({ connection }: Played): { project: string | undefined } {
    return { project: connection['project'] as string | undefined }
  }
}
