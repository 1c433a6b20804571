import { type Attribute, dynamodb } from '../aws/dynamodb.ts'
import { settings } from '../settings.ts'

/** The one DynamoDB table of a deployment: `state/item-keys.ts` lists what it stores. */

type Value = string | number | boolean
/** The attributes of an item, without its key. */
export type Item = Record<string, Value | undefined>

interface Options {
  /**
   * A condition in DynamoDB's language. It refers to `values` as `:name`, and to attributes with reserved names as `#name`.
   *
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
   */
  condition?: string
  values?: Item
  /** Attributes whose names are not words, by the name without `#` that the expressions use. */
  names?: Record<string, string>
  timeoutMs?: number
}

/**
 * Puts an item if there is no item with its key.
 *
 * @param options.condition an existing item that matches it is replaced
 * @returns whether the item was put
 * @throws the error of DynamoDB
 */
export async function putIfAbsent(key: string, item: Item, { condition, ...options }: Options = {}): Promise<boolean> {
  return put(key, item, {
    condition: `attribute_not_exists(id)${condition === undefined ? '' : ` OR ${condition}`}`,
    ...options,
  })
}

/**
 * Puts an item, and replaces an existing one.
 *
 * @returns false if the condition is not met
 * @throws the error of DynamoDB
 */
export async function put(key: string, item: Item, options: Options = {}): Promise<boolean> {
  const input = {
    TableName: settings.stateTable,
    Item: { id: { S: key }, ...marshal(item) },
    ...expressionsOf(options.condition ?? '', options),
  }
  return (await ifConditionMet(dynamodb('PutItem', input, limit(options)))) !== undefined
}

/**
 * Updates an item, and creates it if there is none and the condition allows it.
 *
 * @param expression `SET state = :state`
 * @returns the item after the update; undefined if the condition is not met
 * @throws the error of DynamoDB
 */
export async function update(key: string, expression: string, options: Options = {}): Promise<Item | undefined> {
  const input = {
    TableName: settings.stateTable,
    Key: { id: { S: key } },
    UpdateExpression: expression,
    ReturnValues: 'ALL_NEW',
    ...expressionsOf(`${expression} ${options.condition ?? ''}`, options),
  }
  const updated = await ifConditionMet(dynamodb('UpdateItem', input, limit(options)))
  return updated && unmarshal(updated.Attributes ?? {})
}

/**
 * Reads an item, including the latest writes.
 *
 * @throws the error of DynamoDB
 */
export async function get(key: string, options: Pick<Options, 'timeoutMs'> = {}): Promise<Item | undefined> {
  const input = { TableName: settings.stateTable, Key: { id: { S: key } }, ConsistentRead: true }
  const { Item: item } = await dynamodb('GetItem', input, limit(options))
  return item && unmarshal(item)
}

/**
 * Deletes an item if it meets a condition.
 *
 * @throws the error of DynamoDB
 */
export async function remove(key: string, options: Options = {}): Promise<void> {
  const input = {
    TableName: settings.stateTable,
    Key: { id: { S: key } },
    ...expressionsOf(options.condition ?? '', options),
  }
  await ifConditionMet(dynamodb('DeleteItem', input, limit(options)))
}

/** Returns the attribute by which the table deletes an item after the given number of seconds. */
export function expiresIn(seconds: number): { expiration: number } {
  return { expiration: Math.floor(Date.now() / 1_000) + seconds }
}

/** Returns whether the table deletes an item within the given number of seconds. */
export function expiresWithin({ expiration }: Item, seconds: number): boolean {
  return Number(expiration) < expiresIn(seconds).expiration
}

async function ifConditionMet<T>(sent: Promise<T>): Promise<T | undefined> {
  try {
    return await sent
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return undefined
    throw error
  }
}

function limit({ timeoutMs }: Options): { abortSignal?: AbortSignal } {
  return timeoutMs === undefined ? {} : { abortSignal: AbortSignal.timeout(timeoutMs) }
}

function expressionsOf(text: string, { condition, values = {}, names: aliases = {} }: Options) {
  const names = text.match(/#\w+/g) ?? []
  const marshalled = Object.entries(marshal(values)).map(([name, value]) => [`:${name}`, value] as const)
  return {
    ...(condition === undefined ? {} : { ConditionExpression: condition }),
    ...(names.length === 0
      ? {}
      : { ExpressionAttributeNames: Object.fromEntries(names.map((n) => [n, aliases[n.slice(1)] ?? n.slice(1)])) }),
    ...(marshalled.length === 0 ? {} : { ExpressionAttributeValues: Object.fromEntries(marshalled) }),
  }
}

function marshal(item: Item): Record<string, Attribute> {
  const attributes = Object.entries(item).flatMap(([name, value]): [string, Attribute][] => {
    if (value === undefined) return []
    if (typeof value === 'string') return [[name, { S: value }]]
    return [[name, typeof value === 'number' ? { N: String(value) } : { BOOL: value }]]
  })
  return Object.fromEntries(attributes)
}

function unmarshal(attributes: Record<string, Attribute>): Item {
  return Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, attributeValue(attribute)]))
}

function attributeValue(attribute: Attribute): Value {
  if ('S' in attribute) return attribute.S
  return 'N' in attribute ? Number(attribute.N) : attribute.BOOL
}
