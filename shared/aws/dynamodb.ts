import { AwsService, type ServiceOptions } from './service.ts'

const service = new AwsService({ host: 'dynamodb', variable: 'DYNAMODB' }, 4)

type Operation = 'DeleteItem' | 'GetItem' | 'PutItem' | 'UpdateItem'

/** An attribute of an item. The table has no other types. */
export type Attribute = { S: string } | { N: string } | { BOOL: boolean }

interface Output {
  Item?: Record<string, Attribute>
  Attributes?: Record<string, Attribute>
}

/**
 * Calls DynamoDB.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
 * @throws ServiceError, or the error of the network
 */
export async function dynamodb(operation: Operation, input: object, options?: ServiceOptions): Promise<Output> {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `DynamoDB_20120810.${operation}` }
  return (await service.send({ method: 'POST', path: '/', headers, body: JSON.stringify(input) }, options)).body
}
