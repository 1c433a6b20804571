import { describe } from '@jest/globals'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import type { CommonOptions, CommonSuite } from './common/options.ts'
import { commonTests } from './common.ts'
import { changeTests, updateTest } from './ticket/changes.ts'
import { TicketFixture, type TicketSubject, type WithTicket } from './ticket/fixture.ts'
import { openTests, repeatedOpenTests } from './ticket/opens.ts'
import { ticketIdTests } from './ticket/refusals.ts'

export interface TicketOptions extends CommonOptions {
  /** The connection decides how a title is written. */
  anyTitle?: true
}

/**
 * Registers the tests that every ticket provider must pass: those of `commonTests`, repeated calls and lost responses change
 * nothing, and states are read back.
 *
 * @example
 * import { ticketConformance } from 'cloud-automation-webhooks/testing'
 * import { acme } from './provider.ts'
 * import { ticketRow } from './fake.ts'
 *
 * // How a test starts Acme. `new-provider` writes it.
 * ticketConformance(acme, ticketRow)
 */
export function ticketConformance(
  provider: TicketProvider,
  platform: TicketSubject | undefined,
  options: TicketOptions = {},
): void {
  if (!platform) throw new Error(`No fake platform for ${provider.title}`)

  describe(`${provider.title}: ticket conformance`, () => {
    const fixture: TicketFixture = new TicketFixture(provider, platform, () => current())
    const current: () => WithTicket = commonTests(provider, {
      ...options,
      ...operationsOf(fixture),
      start: () => fixture.start(),
    })
    openTests(fixture, options)
    repeatedOpenTests(fixture)
    ticketIdTests(fixture)
    updateTest(fixture)
    if (!platform.blind) changeTests(fixture)
  })
}

/** The operations whose requests `commonTests` lets fail, and those with an id or a name that must stay in its place. */
function operationsOf(fixture: TicketFixture) {
  const { blind, unknownId } = fixture.subject
  const openAs = (input: object, platform: WithTicket) => fixture.open({ key: undefined }, input, platform)
  return {
    operations: {
      open: (platform) => (options) => fixture.open(options, {}, platform),
      update: (platform) => (options) => fixture.update({ title: 'Checkout is slow' }, options, platform),
      ...(!blind && {
        comment: (platform: WithTicket) => (options) => fixture.update({ comment: 'Still down' }, options, platform),
      }),
      close: (platform) => (options) => fixture.close({}, options, platform),
    },
    ids: {
      type: { valid: 'NoSuchType', run: (type, platform) => openAs({ type }, platform) },
      'type without text': {
        valid: 'NoSuchType',
        run: (type, platform) => openAs({ type, description: undefined }, platform),
      },
      ...(unknownId !== undefined && {
        update: {
          valid: unknownId,
          run: (id: string, platform: WithTicket) => fixture.update({ title: 'x' }, {}, { ...platform, id }),
        },
        close: {
          valid: unknownId,
          run: (id: string, platform: WithTicket) => fixture.close({}, {}, { ...platform, id }),
        },
      }),
    },
  } satisfies Partial<CommonSuite<WithTicket>>
}
