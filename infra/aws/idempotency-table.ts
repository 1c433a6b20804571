import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { RemovalPolicy } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Permission } from './permission.ts'

/**
 * The answers to silent calls and the names of accepted tasks, by the identity of a call; how runs are that no platform
 * knows; the questions that wait for people; and which finisher answers for a task. Each item says when it is to be forgotten, so the table may go with the stack.
 */
export class IdempotencyTable extends Construct {
  readonly table: Table

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiration',
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: RemovalPolicy.DESTROY,
    })
  }

  get name(): string {
    return this.table.tableName
  }

  /** What a task does with it that asks people: a click reads it. */
  mayKeepQuestions(): Permission {
    return { actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem'], resources: [this.table.tableArn] }
  }

  /** What the finisher does with it: each ended task is one's. */
  mayClaim(): Permission {
    return { actions: ['dynamodb:PutItem'], resources: [this.table.tableArn] }
  }

  /** What a task does with it whose runs no platform knows. */
  mayKeepRuns(): Permission {
    return {
      actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      resources: [this.table.tableArn],
    }
  }

  /** What a webhook does with it: items by their key, and nothing else. */
  mayUse(): Permission {
    return {
      actions: ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      resources: [this.table.tableArn],
    }
  }
}
