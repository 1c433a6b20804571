import { messageOf, type templates } from '../../../functions/notification/templates/index.ts'
import { parseEvent } from '../../../shared/orchestrators/event/event.ts'
import type { Message } from '../../../shared/providers/message.ts'

export const checkout = { project: 'shop', stage: 'production', service: 'checkout' }
export const place = 'Project: shop | Stage: production | Service: checkout'
export const passed = { status: 'succeeded', result: 'pass' }
export const failed = { status: 'succeeded', result: 'fail' }
export const bridge = 'https://keptn.example.com/bridge/trace/7c2c890f'
export type Data = Record<string, unknown>

export const occasion = (type: string, data: Data = {}) => ({
  event: parseEvent({ type: `sh.keptn.event.${type}`, data: { ...checkout, ...data } }),
  sequenceUrl: undefined,
})
export const messageFor = (type: string, data: Data = {}, template?: keyof typeof templates) =>
  messageOf(occasion(type, data), template)
/** Returns the fields, the rows and the links of a message as lines. */
export const shown = ({ fields, table, links, ...message }: Message) => ({
  ...message,
  fields: fields.map(({ name, value }) => `${name}: ${value}`).join(' | '),
  ...(table
    ? { table: [table.columns.join(' | '), ...table.rows.map(({ mood, cells }) => `${mood}: ${cells.join(' | ')}`)] }
    : {}),
  links: links.map(({ label, url }) => `${label}: ${url}`).join(' | '),
})
export const field = ({ fields }: Message, name: string) => fields.find((one) => one.name === name)?.value
