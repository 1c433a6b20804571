import { beforeAll, expect, test } from '@jest/globals'
import { dynamodb } from '../../../shared/aws/dynamodb.ts'
import * as lambda from '../../../shared/aws/lambda.ts'
import { credentials, durable, folder, lines, startBefore, until } from '../../infra/local/cloud/harness.ts'

const running = startBefore(() => ({ functions: durable(['approval']) }))
beforeAll(() => {
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_LAMBDA: running.cloud.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: running.cloud.dynamodb,
  })
})

test('the AWS client writes, reads, updates and deletes items of the local DynamoDB', async () => {
  const key = { TableName: 'test', Key: { id: { S: 'call#ä' } } }
  const item = { id: { S: 'call#ä' }, count: { N: '1' }, isOpen: { BOOL: true } }
  const ifAbsent = { ConditionExpression: 'attribute_not_exists(id)' }
  await dynamodb('PutItem', { TableName: 'test', Item: item, ...ifAbsent })
  await expect(dynamodb('PutItem', { TableName: 'test', Item: item, ...ifAbsent })).rejects.toMatchObject({
    name: 'ConditionalCheckFailedException',
    $metadata: { httpStatusCode: 400, attempts: 1 },
  })
  expect(await dynamodb('GetItem', { ...key, ConsistentRead: true })).toEqual({ Item: item })
  const addOne = { UpdateExpression: 'ADD #c :one', ExpressionAttributeNames: { '#c': 'count' } }
  const values = { ExpressionAttributeValues: { ':one': { N: '1' } } }
  const updated = await dynamodb('UpdateItem', { ...key, ...addOne, ...values, ReturnValues: 'ALL_NEW' })
  expect(updated.Attributes).toEqual({ ...item, count: { N: '2' } })
  await dynamodb('DeleteItem', key)
  expect(await dynamodb('GetItem', key)).toEqual({})
})

test('the AWS client starts, finds, completes and reads executions of the local Lambda', async () => {
  const file = folder.file('callback')
  const start = { functionName: 'approval:live', executionName: 'a-name', payload: JSON.stringify({ file }) }
  const arn = await lambda.startExecution(start)
  expect(await lambda.startExecution(start)).toBe(arn)
  const taken = { name: 'DurableExecutionAlreadyStartedException' }
  await expect(lambda.startExecution({ ...start, payload: '{}' })).rejects.toMatchObject(taken)
  expect(await lambda.findExecutionArn('approval', 'a-name')).toBe(arn)
  await lambda.completeCallback(await until(() => lines(file)[0], 'the callback'), '{"by":"ä"}')
  let execution = await lambda.getExecution(arn ?? '')
  while (execution.Status === 'RUNNING') execution = await lambda.getExecution(arn ?? '')
  const shown = { Status: 'SUCCEEDED', StartTimestamp: expect.any(Date), InputPayload: start.payload }
  expect(execution).toMatchObject(shown)
  const types = []
  for await (const { EventType } of lambda.historyOf(arn ?? '')) types.push(EventType)
  expect(types).toEqual(expect.arrayContaining(['ExecutionStarted', 'CallbackSucceeded', 'ExecutionSucceeded']))
  await expect(lambda.getExecution(`${arn}x`)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
})
