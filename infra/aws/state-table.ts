import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { RemovalPolicy } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'

type ItemOperation = 'DeleteItem' | 'GetItem' | 'PutItem' | 'UpdateItem'

/** The one table of a deployment. All items expire, so it is deleted with the stack. See docs/adr/0004-one-state-table.md. */
export class StateTable extends Construct {
  readonly table: Table

  /** @param dataKey customer-managed key; defaults to the key of AWS */
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

  /** Returns the permission for operations on items with these keys, which may contain wildcards; none without keys. */
  allow(operations: readonly ItemOperation[], keys: string[]): Permission[] {
    if (keys.length === 0) return []
    return [
      {
        actions: operations.map((operation) => `dynamodb:${operation}`),
        resources: [this.table.tableArn],
        conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } },
      },
    ]
  }
}
