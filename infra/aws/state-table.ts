import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { RemovalPolicy } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Permission } from './permission.ts'

type ItemOperation = 'DeleteItem' | 'GetItem' | 'PutItem' | 'UpdateItem'

/**
 * The answers to silent calls and the names of accepted tasks, by the identity of a call; how runs are that no platform
 * knows; the questions that wait for people; and which finisher answers for a task. Each item says when it is to be forgotten, so the table may go with the stack.
 */
export class StateTable extends Construct {
  readonly table: Table

  /** @param dataKey the customer's key; without it AWS's own */
  constructor(scope: Construct, id: string, dataKey?: IKey) {
    super(scope, id)
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiration',
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...(dataKey
        ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: dataKey }
        : { encryption: TableEncryption.AWS_MANAGED }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: RemovalPolicy.DESTROY,
    })
  }

  get name(): string {
    return this.table.tableName
  }

  /** Allows operations on the items with these keys, which may have stars, and on no others. */
  mayUse(operations: readonly ItemOperation[], keys: string[]): Permission {
    return {
      actions: operations.map((operation) => `dynamodb:${operation}`),
      resources: [this.table.tableArn],
      conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } },
    }
  }
}
