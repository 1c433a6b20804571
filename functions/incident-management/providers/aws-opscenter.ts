import {
  AddTagsToResourceCommand,
  CreateOpsItemCommand,
  DescribeOpsItemsCommand,
  GetOpsItemCommand,
  SSMClient,
  UpdateOpsItemCommand,
} from '@aws-sdk/client-ssm'
import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import {
  defineTicketProvider,
  type OpenTicket,
  type Ticket,
  type TicketChanges,
  type TicketRef,
} from '../../../shared/providers/ticket.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  ...awsAccountFields,
  source: z._default(word('What OpsItems say that they come from; not with aws or amazon in it'), 'Cloud Automation'),
  type: optional(word('Default category: Availability, Cost, Performance, Recovery or Security')),
})
type OpsCenter = Client<z.output<typeof connection>>

/** Both are searched for; comments are not. */
const keyData = 'cloud-automation-webhooks'
const dedupData = '/aws/dedup'
const longestTitle = 1_024
const longestDescription = 2_048

const priorities: Levels = { critical: '1', high: '2', medium: '3', low: '4' }
const severities: Levels = { critical: '1', high: '2', medium: '3', low: '4' }

const ownFields = ['Notifications', 'OperationalData', 'RelatedOpsItems']

/** What an OpsItem of type issue can be set to. */
const states = ['Open', 'InProgress', 'Resolved']
const closedStates = ['Resolved', 'Closed']

/**
 * OpsCenter of AWS Systems Manager. An OpsItem carries the key of its call twice in its operational data: as the string that
 * keeps AWS from making a second one while it is open, and as one by which it is found when it is resolved.
 *
 * It has no comments: each is a piece of operational data, named by the key of its call. AWS sets those that are given and
 * leaves the others, so that nothing is overwritten that somebody else writes.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateOpsItem.html
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-working-deduplication.html
 */
export const awsOpsCenter = defineTicketProvider({
  title: 'AWS OpsCenter',
  aws: Aws,
  noun: 'OpsItem',
  connection,
  project: undefined,
  check: ({ aws }) => aws.read(SSMClient, new DescribeOpsItemsCommand({ MaxResults: 1 })),

  checkRef({ id }) {
    if (!/^oi-[0-9a-f]{12}$/.test(id)) throw invalid('id', 'no OpsItem: write it like oi-0123456789ab')
  },

  checkInput({ priority, severity, urgency, assignee, state, fields }) {
    // The SDK leaves out without a word what it does not know.
    const strange = Object.keys(fields ?? {}).find((name) => !ownFields.includes(name))
    if (strange) throw invalid('fields', `not of an OpsItem: ${strange}; write ${ownFields.join(', ')}`)
    if (urgency) throw invalid('urgency', 'of no use, since an OpsItem has priority and severity: leave it out')
    if (assignee) throw invalid('assignee', 'of no use, since an OpsItem is assigned to nobody: leave it out')
    if (priority && !/^[1-5]$/.test(platformLevel(priorities, priority)))
      throw invalid('priority', 'none of OpsCenter: write critical, high, medium or low, or a number from 1 to 5')
    if (severity && !/^[1-4]$/.test(platformLevel(severities, severity)))
      throw invalid('severity', 'none of OpsCenter: write critical, high, medium or low, or a number from 1 to 4')
    if (state && !stateNamed(state))
      throw invalid('state', `none of OpsCenter: write open, closed, ${states.join(', ')}`)
  },

  reservedFields: [dedupData, keyData].map((name) => ({
    path: ['OperationalData', name],
    instead: 'leave it out, since it contains the key of the call',
  })),

  async find(client, _input) {
    const filter = { key: keyData, value: client.idempotencyKey }
    const command = new DescribeOpsItemsCommand({
      OpsItemFilters: [{ Key: 'OperationalData', Operator: 'Equal', Values: [JSON.stringify(filter)] }],
    })
    const { OpsItemSummaries: found = [] } = await client.aws.read(SSMClient, command)
    const mine = found.find(({ OperationalData: data }) => data?.[keyData]?.Value === client.idempotencyKey)
    return mine && ticketOf(client, mine)
  },

  async open(client, input) {
    const { aws, idempotencyKey: key, connection } = client
    const { title, description, labels = [], fields } = input
    const command = new CreateOpsItemCommand({
      Source: connection.source,
      Title: clipSingleLine(title, longestTitle),
      Description: clip(description?.trim() || title),
      ...scalesOf({ ...input, type: input.type || connection.type }),
      ...(labels.length > 0 ? { Tags: tagsOf(labels) } : {}),
      ...fields,
      OperationalData: { ...dataIn(fields), ...(key === undefined ? {} : keyed(key)) },
    })
    try {
      const { OpsItemId } = await aws.write(SSMClient, command)
      return await ticketOf(client, { OpsItemId, Status: 'Open' })
    } catch (error) {
      const existing = awsErrorOf(error) as { name?: string; OpsItemId?: string } | undefined
      if (existing?.name !== 'OpsItemAlreadyExistsException' || !existing.OpsItemId) throw error
      return ticketOf(client, await read(client, existing.OpsItemId))
    }
  },

  async get(client, { id }) {
    return ticketOf(client, await read(client, id))
  },

  async update(client, { id }, { title, description, labels = [], state, fields, ...changes }) {
    const asked = {
      ...(title === undefined ? {} : { Title: clipSingleLine(title, longestTitle) }),
      // AWS takes no empty one.
      ...(description === undefined ? {} : { Description: clip(description.trim() || '-') }),
      ...scalesOf(changes),
      ...(state ? await moved(client, id, state) : {}),
      ...fields,
    }
    if (Object.keys(asked).length > 0) await update(client, id, asked)
    if (labels.length === 0) return
    const command = new AddTagsToResourceCommand({ ResourceType: 'OpsItem', ResourceId: id, Tags: tagsOf(labels) })
    await client.aws.write(SSMClient, command)
  },

  async comment(client, { id }, comment) {
    const now = new Date().toISOString()
    const name = client.idempotencyKey === undefined ? `comment-${now}` : commentOf(client.idempotencyKey)
    await update(client, id, { OperationalData: { [name]: { Type: 'String', Value: `${now} ${comment}` } } })
  },

  async hasComment(client, { id }) {
    const { OperationalData: data = {} } = await read(client, id)
    return Object.hasOwn(data, commentOf(client.idempotencyKey))
  },

  async close(client, { id }, { resolution }) {
    const data = resolution ? { OperationalData: { resolution: { Type: 'String', Value: resolution } } } : {}
    await update(client, id, { Status: 'Resolved', ...data })
  },
})

type OperationalData = Record<string, { Type?: 'String' | 'SearchableString'; Value?: string }>

/** Of all that OpsCenter says of an OpsItem, what we use. */
interface OpsItem {
  OpsItemId?: string | undefined
  Status?: string | undefined
  OperationalData?: OperationalData | undefined
}

async function read({ aws }: Pick<OpsCenter, 'aws'>, id: string): Promise<OpsItem> {
  const { OpsItem: item = {} } = await aws.read(SSMClient, new GetOpsItemCommand({ OpsItemId: id }))
  return item as OpsItem
}

async function update({ aws }: Pick<OpsCenter, 'aws'>, id: string, asked: object): Promise<void> {
  await aws.write(SSMClient, new UpdateOpsItemCommand({ ...asked, OpsItemId: id }))
}

/** What brings an OpsItem to a state; nothing where it is there. */
async function moved(client: Pick<OpsCenter, 'aws'>, id: string, asked: string): Promise<object> {
  const status = stateNamed(asked)
  if (!is(asked, 'open')) return { Status: status }
  // One that is being worked on is open as well.
  return closedStates.includes((await read(client, id)).Status ?? '') ? { Status: status } : {}
}

function stateNamed(asked: string): string | undefined {
  if (is(asked, 'closed')) return 'Resolved'
  return states.find((state) => is(state, asked.replace(/[\s_-]/g, '')))
}

function scalesOf({ type, priority, severity }: Partial<Pick<OpenTicket, 'type' | 'priority' | 'severity'>>) {
  return {
    ...(type ? { Category: type } : {}),
    ...(priority ? { Priority: Number(platformLevel(priorities, priority)) } : {}),
    ...(severity ? { Severity: platformLevel(severities, severity) } : {}),
  }
}

function keyed(key: string): OperationalData {
  return {
    [dedupData]: { Type: 'SearchableString', Value: JSON.stringify({ dedupString: key }) },
    [keyData]: { Type: 'SearchableString', Value: key },
  }
}

function dataIn(fields: OpenTicket['fields']): OperationalData {
  return (fields?.['OperationalData'] ?? {}) as OperationalData
}

function commentOf(key: string): string {
  return `comment-${key}`
}

function tagsOf(labels: string[]) {
  return labels.map((label) => ({ Key: label, Value: '' }))
}

function clip(text: string): string {
  return text.length > longestDescription
    ? `${text.slice(0, longestDescription - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
    : text
}

function is(name: string, asked: string): boolean {
  return name.toLowerCase() === asked.toLowerCase()
}

async function ticketOf({ aws }: Pick<OpsCenter, 'aws'>, { OpsItemId, Status }: OpsItem): Promise<Ticket> {
  const [id, state] = [aws.requireField(OpsItemId, 'OpsItemId'), aws.requireField(Status, 'Status')]
  const url = consoleUrl(await aws.region(SSMClient), `systems-manager/opsitems/${id}`)
  return { id, number: id, url, state, isClosed: closedStates.includes(state) }
}

function invalid(field: keyof (TicketChanges & TicketRef), message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
