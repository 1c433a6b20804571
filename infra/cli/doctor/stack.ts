import {
  GetFunctionConcurrencyCommand,
  type LambdaClient,
  ListAliasesCommand,
  ListTagsCommand,
  paginateListFunctions,
  paginateListVersionsByFunction,
} from '@aws-sdk/client-lambda'
import { AwsService } from '../../../shared/aws/service.ts'
import { explainAws, NoAwsError } from '../../aws/aws-errors.ts'
import { LOGICAL_ID_TAG, STACK_TAG } from '../../aws/running-tasks.ts'
import { exportCredentials } from '../../local/operator/act-as-webhook.ts'
import { type Finding, noteFinding, okFinding, wrongFinding } from './finding.ts'

/** A function of the stack. */
interface StackFunction {
  arn: string
  /** Logical id without the suffix of CloudFormation: `CiCdTaskFunction`. */
  name: string
}

/** More than this many old versions of one function are worth deleting. */
const MAX_OLD_VERSIONS = 20
const MAX_SHOWN = 5
const cloudWatch = new AwsService({ host: 'monitoring', variable: 'CLOUDWATCH' })

/** Checks the functions and the alarms of a deployed stack. */
export async function stack(lambda: LambdaClient, stackName: string): Promise<Finding[]> {
  const what = `stack ${stackName}`
  try {
    const functions = await functionsOf(lambda, stackName)
    if (functions.length === 0)
      return [noteFinding(what, 'not deployed in this account and region', 'Run npx cdk deploy, or pass --stack.')]
    const checks = await Promise.all([
      reservedConcurrency(lambda, functions),
      aliasesAndVersions(lambda, functions),
      alarms(lambda, stackName),
    ])
    return [okFinding(what, `${functions.length} functions`), ...checks.flat()]
  } catch (error) {
    const known = explainAws(error, 'Checking the stack')
    // `identity` reports this already.
    if (known instanceof NoAwsError) return []
    return [noteFinding(what, `not checked: ${known.message}`, 'Allow the permissions in webhooks doctor --help.')]
  }
}

async function functionsOf(lambda: LambdaClient, stackName: string): Promise<StackFunction[]> {
  const found: StackFunction[] = []
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {}))
    for (const { FunctionArn: arn = '', DurableConfig, Environment } of Functions) {
      // Functions of other stacks are not asked for their tags.
      if (!DurableConfig && Environment?.Variables?.['WEBHOOKS_TASK_FUNCTION'] === undefined) continue
      const { Tags = {} } = await lambda.send(new ListTagsCommand({ Resource: arn }))
      const name = (Tags[LOGICAL_ID_TAG] ?? '').replace(/[0-9A-F]{8}$/, '')
      if (Tags[STACK_TAG] === stackName) found.push({ arn, name })
    }
  return found
}

async function reservedConcurrency(lambda: LambdaClient, functions: StackFunction[]): Promise<Finding[]> {
  const what = 'reserved concurrency'
  const reserved: { name: string; limit: number }[] = []
  for (const { arn, name } of functions) {
    const command = new GetFunctionConcurrencyCommand({ FunctionName: arn })
    const { ReservedConcurrentExecutions: limit } = await lambda.send(command)
    if (limit !== undefined) reserved.push({ name, limit })
  }
  const disabled = reserved.filter(({ limit }) => limit === 0).map(({ name }) => name)
  if (disabled.length > 0)
    return [
      wrongFinding(
        what,
        `0 for ${shorten(disabled)}: Lambda runs none of their invocations`,
        'Set reservedConcurrency in cdk.json and run npx cdk deploy, or delete the limit in the console of Lambda.',
      ),
    ]
  const total = reserved.reduce((sum, { limit }) => sum + limit, 0)
  return [okFinding(what, reserved.length === 0 ? 'none' : `${total} for ${reserved.length} functions`)]
}

async function aliasesAndVersions(lambda: LambdaClient, functions: StackFunction[]): Promise<Finding[]> {
  const missing: string[] = []
  const behind: string[] = []
  let old = 0
  let maxOld = 0
  for (const { arn, name } of functions) {
    const numbers: number[] = []
    for await (const { Versions = [] } of paginateListVersionsByFunction({ client: lambda }, { FunctionName: arn }))
      numbers.push(...Versions.flatMap(({ Version }) => (Version === '$LATEST' ? [] : [Number(Version)])))
    const { Aliases = [] } = await lambda.send(new ListAliasesCommand({ FunctionName: arn }))
    const live = Number(Aliases.find(({ Name }) => Name === 'live')?.FunctionVersion)
    if (!numbers.includes(live)) missing.push(name)
    else if (live < Math.max(...numbers)) behind.push(name)
    const oldHere = numbers.filter((number) => number < live).length
    old += oldHere
    maxOld = Math.max(maxOld, oldHere)
  }
  return [aliasFinding(functions.length, missing, behind), versionFinding(old, maxOld)]
}

function aliasFinding(count: number, missing: string[], behind: string[]): Finding {
  const what = 'aliases'
  if (missing.length > 0)
    return wrongFinding(
      what,
      `${shorten(missing)} have no alias live with a version: calls fail`,
      'Run npx cdk deploy.',
    )
  if (behind.length > 0)
    return noteFinding(
      what,
      `live is not the newest version of ${shorten(behind)}`,
      'A deployment failed or was rolled back. Run npx webhooks versions prune before you deploy the same code again.',
    )
  return okFinding(what, `live is the newest version of ${count} functions`)
}

function versionFinding(old: number, maxOld: number): Finding {
  const found = `${old} old versions`
  return maxOld > MAX_OLD_VERSIONS
    ? noteFinding('versions', found, 'Run npx webhooks versions prune.')
    : okFinding('versions', found)
}

async function alarms(lambda: LambdaClient, stackName: string): Promise<Finding[]> {
  const what = 'alarms'
  await exportCredentials(lambda)
  const found: { AlarmName: string; StateValue: string; ActionsEnabled: boolean }[] = []
  for (let NextToken: unknown; ; ) {
    const input = { AlarmNamePrefix: `${stackName}-`, AlarmTypes: ['MetricAlarm'], MaxRecords: 100, NextToken }
    const { MetricAlarms = [], NextToken: next } = await describeAlarms(input)
    found.push(...MetricAlarms)
    if (next === undefined || next === null) break
    NextToken = next
  }
  if (found.length === 0) return [wrongFinding(what, 'none', 'Run npx cdk deploy: it creates them again.')]
  const names = (matches: (alarm: (typeof found)[number]) => boolean) =>
    found.filter(matches).map(({ AlarmName }) => AlarmName.slice(stackName.length + 1))
  const ringing = names(({ StateValue }) => StateValue === 'ALARM')
  const silenced = names(({ ActionsEnabled }) => !ActionsEnabled)
  return [
    ringing.length > 0
      ? wrongFinding(what, `in alarm: ${shorten(ringing)}`, 'Follow the runbook in the description of the alarm.')
      : okFinding(what, `${found.length}, none in alarm`),
    ...(silenced.length > 0
      ? [noteFinding(what, `actions are disabled: ${shorten(silenced)}`, 'Enable the actions in CloudWatch.')]
      : []),
  ]
}

interface DescribedAlarms {
  MetricAlarms?: { AlarmName: string; StateValue: string; ActionsEnabled: boolean }[]
  NextToken?: string | null
}

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html */
async function describeAlarms(input: object): Promise<DescribedAlarms> {
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'GraniteServiceVersion20100801.DescribeAlarms',
  }
  return (await cloudWatch.send({ method: 'POST', path: '/', headers, body: JSON.stringify(input) })).body
}

function shorten(names: string[]): string {
  const more = names.length - MAX_SHOWN
  return `${names.slice(0, MAX_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
