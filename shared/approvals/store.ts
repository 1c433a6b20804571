import { dynamodb, GetItemCommand, PutItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts'
import { Failure } from '../errors.ts'
import type { Message } from '../providers/message.ts'
import { settings } from '../settings.ts'
import { itemKeys } from '../state/item-keys.ts'
import type { Decision } from './decision.ts'

/**
 * The questions that wait for people, where a click finds them. Loaded when first used, since it loads the AWS SDK.
 */

/** A question as it is kept. */
export interface Question {
  connection: string
  /** As the page shows it. */
  message: Message
  /** Whether people decide with buttons of their platform: then not on our page, where nobody knows who they are. */
  buttons: boolean
  /** Who may decide: ids, user names or e-mail addresses; everybody where left out. */
  approvers?: string[] | undefined
  /** Who may not. */
  requester?: string | undefined
  /** Epoch milliseconds. */
  deadlineAt: number
}

/** How long an ended question can be looked at, in seconds. */
const remembered = 14 * 86_400

/** A question, what answers it, and how it was decided. */
export interface Kept {
  question: Question
  /** Lambda's own: it never leaves the functions. */
  callbackId: string
  decision: Decision | undefined
}

/**
 * Keeps a question; a repeat changes nothing. What is left of an earlier task of the same name, which was forgotten before its
 * question, is replaced.
 *
 * @throws Failure `unavailable`
 */
export async function keepQuestion(taskId: string, question: Question, callbackId: string): Promise<void> {
  const expiration = { N: String(Math.floor(question.deadlineAt / 1_000) + remembered) }
  try {
    await dynamodb.send(
      new PutItemCommand({
        TableName: settings.idempotencyTable,
        Item: {
          ...keyOf(taskId),
          question: { S: JSON.stringify(question) },
          callbackId: { S: callbackId },
          expiration,
        },
        ConditionExpression: 'attribute_not_exists(id) OR callbackId <> :mine',
        ExpressionAttributeValues: { ':mine': { S: callbackId } },
      }),
    )
  } catch (cause) {
    if ((cause as Error).name !== 'ConditionalCheckFailedException') throw unavailable(cause)
  }
}

/** Another callback answers it from now on. @throws Failure `unavailable` */
export async function changeCallback(taskId: string, callbackId: string): Promise<void> {
  await change(taskId, 'SET callbackId = :value', callbackId)
}

/** @throws Failure `unavailable` */
export async function readQuestion(taskId: string): Promise<Kept | undefined> {
  try {
    const { Item: item } = await dynamodb.send(
      new GetItemCommand({ TableName: settings.idempotencyTable, Key: keyOf(taskId), ConsistentRead: true }),
    )
    const [question, callbackId, decision] = ['question', 'callbackId', 'decision'].map((name) => item?.[name]?.S)
    if (question === undefined || callbackId === undefined) return undefined
    return {
      question: JSON.parse(question),
      callbackId,
      decision: decision === undefined ? undefined : JSON.parse(decision),
    }
  } catch (cause) {
    throw unavailable(cause)
  }
}

/**
 * Notes how it was decided, for those who come later.
 *
 * @throws Failure `unavailable`
 */
export async function noteDecision(taskId: string, decision: Decision): Promise<void> {
  await change(taskId, 'SET decision = if_not_exists(decision, :value)', JSON.stringify(decision))
}

async function change(taskId: string, UpdateExpression: string, value: string): Promise<void> {
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: settings.idempotencyTable,
        Key: keyOf(taskId),
        UpdateExpression,
        ConditionExpression: 'attribute_exists(id)',
        ExpressionAttributeValues: { ':value': { S: value } },
      }),
    )
  } catch (cause) {
    if ((cause as Error).name !== 'ConditionalCheckFailedException') throw unavailable(cause)
  }
}

function keyOf(taskId: string) {
  return { id: { S: itemKeys.approval(taskId) } }
}

function unavailable(cause: unknown): Failure {
  return new Failure('unavailable', 'The table of questions can not be used now: try again.', { cause })
}
