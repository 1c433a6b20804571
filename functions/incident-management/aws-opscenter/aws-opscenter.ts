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
import { invalidInput } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { defineTicketProvider, type OpenTicket, type Ticket } from '../../../shared/providers/ticket.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  ...awsAccountFields,
  source: z._default(word('Source of the OpsItems; cannot contain aws, amazon or amzn'), 'Cloud Automation'),
  type: optional(word('Default category: Availability, Cost, Performance, Recovery or Security')),
})
type OpsCenter = Client<z.output<typeof connection>>

/** Names of searchable operational data. */
const KEY_DATA = 'cloud-automation-webhooks'
const DEDUP_DATA = '/aws/dedup'
const MAX_TITLE = 1_024
const MAX_DESCRIPTION = 2_048

/** For both priority and severity. */
const LEVELS: Levels = { critical: '1', high: '2', medium: '3', low: '4' }

const FIELDS = ['Notifications', 'OperationalData', 'RelatedOpsItems']

/** The states that an OpsItem can be set to. */
const STATES = ['Open', 'InProgress', 'Resolved']
const CLOSED_STATES = ['Resolved', 'Closed']

/**
 * OpsCenter of AWS Systems Manager. The operational data of an OpsItem holds the idempotency key twice: as the deduplication
 * string, by which AWS refuses a second open OpsItem, and as a searchable string, by which it is found after it is resolved.
 *
 * OpsItems have no comments: each comment is an entry of the operational data, named by its idempotency key. AWS merges entries
 * by name, so an update overwrites no other comment.
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
    if (!/^oi-[0-9a-f]{12}$/.test(id))
      throw invalidInput('input.id', 'must be the id of an OpsItem, such as oi-0123456789ab')
  },

  checkInput({ priority, severity, urgency, assignee, state, fields }) {
    // The SDK silently drops unknown fields.
    const unknown = Object.keys(fields ?? {}).find((name) => !FIELDS.includes(name))
    if (unknown) throw invalidInput('input.fields', `cannot contain ${unknown}. Use ${FIELDS.join(', ')}`)
    if (urgency) throw invalidInput('input.urgency', 'is not supported by OpsCenter. Use priority or severity')
    if (assignee) throw invalidInput('input.assignee', 'is not supported by OpsCenter. Omit it')
    if (priority && !/^[1-5]$/.test(platformLevel(LEVELS, priority)))
      throw invalidInput('input.priority', 'must be critical, high, medium or low, or a number from 1 to 5')
    if (severity && !/^[1-4]$/.test(platformLevel(LEVELS, severity)))
      throw invalidInput('input.severity', 'must be critical, high, medium or low, or a number from 1 to 4')
    if (state && !stateNamed(state)) throw invalidInput('input.state', `must be open, closed, ${STATES.join(', ')}`)
  },

  reservedFields: [DEDUP_DATA, KEY_DATA].map((name) => ({
    path: ['OperationalData', name],
    instead: 'omit it, because it holds the idempotency key',
  })),

  lookUp: { newest: 'all' },

  async find(client, _input) {
    const filter = { key: KEY_DATA, value: client.idempotencyKey }
    const command = new DescribeOpsItemsCommand({
      OpsItemFilters: [{ Key: 'OperationalData', Operator: 'Equal', Values: [JSON.stringify(filter)] }],
    })
    const { OpsItemSummaries, NextToken } = await client.aws.read(SSMClient, command)
    const found = client.aws.requireField(OpsItemSummaries, 'OpsItemSummaries')
    const ticket = found.find(({ OperationalData: data }) => data?.[KEY_DATA]?.Value === client.idempotencyKey)
    if (ticket) return ticketOf(client, ticket)
    return NextToken ? 'unknown' : undefined
  },

  async open(client, input) {
    const { aws, idempotencyKey, connection } = client
    const { title, description, labels = [], fields } = input
    const command = new CreateOpsItemCommand({
      Source: connection.source,
      Title: clipSingleLine(title, MAX_TITLE),
      Description: clip(description?.trim() || title),
      ...scalesOf({ ...input, type: input.type || connection.type }),
      ...(labels.length > 0 ? { Tags: tagsOf(labels) } : {}),
      ...fields,
      OperationalData: { ...dataIn(fields), ...(idempotencyKey === undefined ? {} : keyDataOf(idempotencyKey)) },
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
    const fieldsToSet = {
      ...(title === undefined ? {} : { Title: clipSingleLine(title, MAX_TITLE) }),
      // AWS refuses an empty description.
      ...(description === undefined ? {} : { Description: clip(description.trim() || '-') }),
      ...scalesOf(changes),
      ...(state ? await stateChange(client, id, state) : {}),
      ...fields,
    }
    if (Object.keys(fieldsToSet).length > 0) await updateItem(client, id, fieldsToSet)
    if (labels.length === 0) return
    const command = new AddTagsToResourceCommand({ ResourceType: 'OpsItem', ResourceId: id, Tags: tagsOf(labels) })
    await client.aws.write(SSMClient, command)
  },

  async comment(client, { id }, comment) {
    const now = new Date().toISOString()
    const name = client.idempotencyKey === undefined ? `comment-${now}` : commentName(client.idempotencyKey)
    await updateItem(client, id, { OperationalData: { [name]: { Type: 'String', Value: `${now} ${comment}` } } })
  },

  async hasComment(client, { id }) {
    const { OperationalData: data = {} } = await read(client, id)
    return Object.hasOwn(data, commentName(client.idempotencyKey))
  },

  async close(client, { id }, { resolution }) {
    const data = resolution ? { OperationalData: { resolution: { Type: 'String', Value: resolution } } } : {}
    await updateItem(client, id, { Status: 'Resolved', ...data })
  },
})

type OperationalData = Record<string, { Type?: 'String' | 'SearchableString'; Value?: string }>

/** The properties of an OpsItem that we use. */
interface OpsItem {
  OpsItemId?: string | undefined
  Status?: string | undefined
  OperationalData?: OperationalData | undefined
}

async function read({ aws }: Pick<OpsCenter, 'aws'>, id: string): Promise<OpsItem> {
  const { OpsItem: item } = await aws.read(SSMClient, new GetOpsItemCommand({ OpsItemId: id }))
  return aws.requireField(item, 'OpsItem') as OpsItem
}

async function updateItem({ aws }: Pick<OpsCenter, 'aws'>, id: string, fields: object): Promise<void> {
  await aws.write(SSMClient, new UpdateOpsItemCommand({ ...fields, OpsItemId: id }))
}

/** Returns the field that sets a state, or none if the OpsItem has it already. */
async function stateChange(client: Pick<OpsCenter, 'aws'>, id: string, state: string): Promise<object> {
  const [status, { Status: current = '' }] = [stateNamed(state), await read(client, id)]
  // InProgress also counts as open, and Closed as closed.
  const isKind = is(state, 'open') || is(state, 'closed')
  const hasState = isKind ? CLOSED_STATES.includes(current) === is(state, 'closed') : current === status
  return hasState ? {} : { Status: status }
}

function stateNamed(wanted: string): string | undefined {
  if (is(wanted, 'closed')) return 'Resolved'
  return STATES.find((state) => is(state, wanted.replace(/[\s_-]/g, '')))
}

function scalesOf({ type, priority, severity }: Partial<Pick<OpenTicket, 'type' | 'priority' | 'severity'>>) {
  return {
    ...(type ? { Category: type } : {}),
    ...(priority ? { Priority: Number(platformLevel(LEVELS, priority)) } : {}),
    ...(severity ? { Severity: platformLevel(LEVELS, severity) } : {}),
  }
}

function keyDataOf(key: string): OperationalData {
  return {
    [DEDUP_DATA]: { Type: 'SearchableString', Value: JSON.stringify({ dedupString: key }) },
    [KEY_DATA]: { Type: 'SearchableString', Value: key },
  }
}

function dataIn(fields: OpenTicket['fields']): OperationalData {
  return (fields?.['OperationalData'] ?? {}) as OperationalData
}

function commentName(key: string): string {
  return `comment-${key}`
}

function tagsOf(labels: string[]) {
  return labels.map((label) => ({ Key: label, Value: '' }))
}

function clip(text: string): string {
  return text.length > MAX_DESCRIPTION ? `${text.slice(0, MAX_DESCRIPTION - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : text
}

function is(name: string, wanted: string): boolean {
  return name.toLowerCase() === wanted.toLowerCase()
}

async function ticketOf({ aws }: Pick<OpsCenter, 'aws'>, { OpsItemId, Status }: OpsItem): Promise<Ticket> {
  const [id, state] = [aws.requireField(OpsItemId, 'OpsItemId'), aws.requireField(Status, 'Status')]
  const url = consoleUrl(await aws.region(SSMClient), `systems-manager/opsitems/${id}`)
  return { id, number: id, url, state, isClosed: CLOSED_STATES.includes(state) }
}
