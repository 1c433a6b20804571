import { startWith, type TicketRow, ticketInputs } from '../../../conformance/row.ts'
import { startSsm } from '../../../platforms/aws-ssm.ts'

export const ticketRow = {
  writes: /^CreateOpsItem$/,
  start: startWith(startSsm, ({ url: endpoint, state }) => ({
    connection: { region: 'eu-west-1', endpoint },
    made: () => state.opsItems.length,
  })),
  unknownId: 'oi-424242424242',
  ...ticketInputs,
  open: { priority: 'high', severity: 'critical' },
  update: { comment: 'Now 5 s', severity: 'low' },
} satisfies TicketRow
