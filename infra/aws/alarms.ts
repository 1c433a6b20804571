import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Stack } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import {
  type AlarmDeclaration,
  alarmsOfCategory,
  alarmsOfFinisher,
  deadLettersOf,
  type SharedAlarmsProps,
  sharedAlarms,
  taskCrashesOf,
  webhookErrorsOf,
} from './alarm-declarations.ts'
import type { CategoryFunction } from './category-function.ts'
import type { Finisher } from './finisher.ts'

export interface AlarmsProps extends SharedAlarmsProps {
  finisher: Finisher
  email: string | undefined
  /** Customer-managed key of the topic. Defaults to no encryption: CloudWatch cannot use the AWS-managed key of SNS. */
  dataKey?: IKey | undefined
  /** URL or path of the runbooks, with a trailing slash. */
  runbooks: string
  /** Only the alarms that show lost or hanging calls, most of them for all categories together. */
  isMinimal: boolean
  /** Whether a deployment needs an alarm for the errors of each webhook. */
  isGradual: boolean
}

/** Alarms, sent to one SNS topic. Each has a runbook. */
export class Alarms extends Construct {
  readonly topic: Topic
  readonly all: Alarm[] = []
  readonly #webhookErrors = new Map<CategoryFunction, Alarm>()
  readonly #runbooks: string

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id)
    const { categories, finisher, email, dataKey, isMinimal, isGradual } = props
    this.#runbooks = props.runbooks
    this.topic = new Topic(this, 'Topic', { enforceSSL: true, ...(dataKey ? { masterKey: dataKey } : {}) })
    this.topic.addToResourcePolicy(this.#publishStatement())
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email))
    for (const category of categories) {
      this.#add(deadLettersOf(category))
      if (!isMinimal || isGradual) this.#webhookErrors.set(category, this.#add(webhookErrorsOf(category)))
      if (!isMinimal) this.#addAll(alarmsOfCategory(category))
    }
    this.#addAll(alarmsOfFinisher(finisher, isMinimal))
    if (isMinimal) this.#addAll(taskCrashesOf(categories))
    this.#addAll(sharedAlarms(props))
  }

  /** Returns the alarm that ends the gradual rollout of a webhook. */
  webhookErrorsOf(category: CategoryFunction): Alarm {
    const alarm = this.#webhookErrors.get(category)
    if (!alarm) throw new Error(`There is no alarm for the errors of the webhook of ${category.category.name}.`)
    return alarm
  }

  /** Lets CloudWatch send alarms. Replaces the default statement, which allows alarms of the account. */
  #publishStatement(): PolicyStatement {
    return new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [this.topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    })
  }

  #addAll(declarations: readonly AlarmDeclaration[]): void {
    for (const declaration of declarations) this.#add(declaration)
  }

  #add({ id, runbook, metric, description, sensitivity }: AlarmDeclaration): Alarm {
    const alarm = new Alarm(this, id, {
      metric,
      alarmDescription: `${description} What to do: ${this.#runbooks}${runbook}.md`,
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...sensitivity,
    })
    alarm.addAlarmAction(new SnsAction(this.topic))
    this.all.push(alarm)
    return alarm
  }
}
