import type { Reply } from '../../infra/testing/loopback-server.ts'
import { defineJsonService } from './aws-json.ts'

interface OpsItem {
  OpsItemId: string
  Title: string
  Description: string
  Source: string
  Status: string
  Priority?: number
  Severity?: string
  Category?: string
  OperationalData: Record<string, { Type?: string; Value?: string }>
  Tags: Record<string, string>
}

interface Step {
  StepName: string
  Action: string
  StepStatus: string
  FailureMessage?: string
}

interface Execution {
  AutomationExecutionId: string
  DocumentName: string
  DocumentVersion: string
  AutomationExecutionStatus: string
  /** Epoch seconds. */
  ExecutionStartTime: number
  ExecutionEndTime?: number
  Parameters: Record<string, string[]>
  Outputs: Record<string, string[]>
  StepExecutions: Step[]
  StepExecutionsTruncated: boolean
  CurrentStepName?: string
  FailureMessage?: string
  /** Not part of a response. */
  token: string | undefined
  /** Not part of a response: the request as text. */
  request: string
}

type State = ReturnType<typeof initial>
type Input = Record<string, unknown>

const TOKEN = /^[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}$/
const TAG = /^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$/u
const RESERVED = /^\/?(?:amazon|aws|amzn|ssm)/
const AWS_KEYS = ['/aws/dedup', '/aws/resources', '/aws/automations']
const FIELDS = ['Title', 'Description', 'Source', 'Status', 'Priority', 'Severity', 'Category', 'Notifications']
const MAX_LENGTHS = { Title: 1_024, Description: 2_048, Source: 128, Category: 64, Severity: 64 }

const initial = () => ({
  opsItems: [] as OpsItem[],
  executions: [] as Execution[],
  /** Runbooks by name, with their parameters and their newest version. */
  documents: {
    'AWS-RestartEC2Instance': { parameters: ['InstanceId', 'AutomationAssumeRole'], newest: 1 },
    'Restart-Checkout': { parameters: ['Service', 'Replicas', 'Hosts', 'Options', 'AutomationAssumeRole'], newest: 4 },
  } as Record<string, { parameters: string[]; newest: number }>,
  denied: [] as string[],
  maxExecutions: 100,
})

/**
 * AWS Systems Manager: OpsItems and Automation.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html
 */
export const startSsm = defineJsonService({
  service: 'ssm',
  target: 'AmazonSSM',
  version: '1.1',
  state: initial,
  routes: {
    StartAutomationExecution: ({ state, body, text }) => start(state, body, text),
    GetAutomationExecution: ({ state, body }) =>
      withExecution(state, body, ({ token: _, request: __, ...fields }) => ({ AutomationExecution: fields })),
    StopAutomationExecution: ({ state, body }) =>
      withExecution(state, body, (execution) => {
        if (execution.AutomationExecutionStatus !== 'InProgress')
          return refuse(
            'InvalidAutomationStatusUpdateException',
            'Execution cannot be stopped from its current status.',
          )
        execution.AutomationExecutionStatus = (body.Type ?? 'Cancel') === 'Cancel' ? 'Cancelled' : 'Success'
        return {}
      }),
    CreateOpsItem: ({ state, body }) => create(state, body),
    GetOpsItem: ({ state, body }) =>
      withOpsItem(state, body.OpsItemId, ({ Tags: _, ...fields }) => ({ OpsItem: fields })),
    UpdateOpsItem: ({ state, body }) => withOpsItem(state, body.OpsItemId, (item) => setFields(item, body) ?? {}),
    DescribeOpsItems: ({ state, body }) => describe(state, body),
    AddTagsToResource: ({ state, body }) =>
      withOpsItem(state, body.ResourceId, (item) => addTags(item, body.Tags) ?? {}),
  },
})

function refuse(type: string, message: string, fields: object = {}): Reply {
  return { status: 400, body: { __type: type, Message: message, ...fields } }
}

function start({ documents, executions, maxExecutions }: State, input: Input, request: string): object | Reply {
  const {
    DocumentName: name,
    DocumentVersion: version = '$DEFAULT',
    Parameters: parameters = {},
    ClientToken: token,
  } = input as {
    DocumentName: string
    DocumentVersion?: string
    Parameters?: Record<string, string[]>
    ClientToken?: string
  }
  if (token !== undefined && !TOKEN.test(token))
    return refuse('ValidationException', `Value '${token}' at 'clientToken' failed to satisfy constraint`)
  const values = Object.values(parameters).flat()
  if (values.some((value) => typeof value !== 'string' || value.length < 1 || value.length > 512))
    return refuse('ValidationException', "Value at 'parameters' failed to satisfy constraint: length 1 to 512")
  const document = documents[name]
  if (!document) return refuse('AutomationDefinitionNotFoundException', `Automation definition ${name} was not found.`)
  if (/^\d+$/.test(version) && Number(version) > document.newest)
    return refuse('AutomationDefinitionVersionNotFoundException', `Version ${version} of ${name} was not found.`)
  const unknown = Object.keys(parameters).filter((parameter) => !document.parameters.includes(parameter))
  if (unknown.length > 0)
    return refuse(
      'InvalidAutomationExecutionParametersException',
      `Parameters [${unknown.join(', ')}] are not defined in ${name}.`,
    )
  const earlier = token === undefined ? undefined : executions.find((execution) => execution.token === token)
  if (earlier)
    return earlier.request === request
      ? { AutomationExecutionId: earlier.AutomationExecutionId }
      : refuse('IdempotentParameterMismatch', 'The client token was used with other parameters.')
  const running = executions.filter(({ AutomationExecutionStatus: status }) => status === 'InProgress')
  if (running.length >= maxExecutions)
    return refuse('AutomationExecutionLimitExceededException', 'Concurrent executions exceed the limit.')
  const number = (executions.length + 1).toString(16).padStart(12, '0')
  const execution: Execution = {
    AutomationExecutionId: `4105a4fc-f944-11e6-9d32-${number}`,
    DocumentName: name,
    DocumentVersion: version.startsWith('$') ? String(document.newest) : version,
    AutomationExecutionStatus: 'InProgress',
    ExecutionStartTime: 1_764_000_000,
    Parameters: parameters,
    Outputs: {},
    StepExecutions: [
      { StepName: 'Drain', Action: 'aws:executeAwsApi', StepStatus: 'Success' },
      { StepName: 'Restart', Action: 'aws:runCommand', StepStatus: 'InProgress' },
    ],
    StepExecutionsTruncated: false,
    CurrentStepName: 'Restart',
    token,
    request,
  }
  executions.push(execution)
  return { AutomationExecutionId: execution.AutomationExecutionId }
}

function withExecution(
  { executions }: State,
  { AutomationExecutionId: id }: Input,
  answer: (execution: Execution) => object,
): object | Reply {
  const execution = executions.find(({ AutomationExecutionId }) => AutomationExecutionId === id)
  if (execution) return answer(execution)
  return refuse('AutomationExecutionNotFoundException', `Automation execution ${id} does not exist.`)
}

function create({ opsItems }: State, input: Input): object | Reply {
  const [missing] = ['Title', 'Description', 'Source'].filter((field) => !input[field])
  if (missing) return refuse('ValidationException', `Value null at '${missing}' failed to satisfy constraint`)
  if (/aws|amazon|amzn/i.test(String(input['Source'])))
    return refuse('OpsItemInvalidParameterException', 'Source cannot contain aws, amazon or amzn.')
  const dedup = (input['OperationalData'] as OpsItem['OperationalData'] | undefined)?.['/aws/dedup']?.Value
  const duplicate = opsItems.find(
    ({ Status, OperationalData }) => dedup && OperationalData['/aws/dedup']?.Value === dedup && Status !== 'Resolved',
  )
  if (duplicate) {
    const { OpsItemId } = duplicate
    return refuse('OpsItemAlreadyExistsException', `OpsItem already exists: ${OpsItemId}`, { OpsItemId })
  }
  const id = `oi-${(opsItems.length + 1).toString(16).padStart(12, '0')}`
  const item: OpsItem = {
    OpsItemId: id,
    Title: '',
    Description: '',
    Source: '',
    Status: 'Open',
    OperationalData: {},
    Tags: {},
  }
  const refusal = setFields(item, { ...input, OpsItemId: id }) ?? addTags(item, input['Tags'] ?? [])
  if (refusal) return refusal
  opsItems.push(item)
  return { OpsItemId: id, OpsItemArn: `arn:aws:ssm:eu-west-1:123456789012:opsitem/${id}` }
}

/** Replaces fields, and adds operational data. */
function setFields(item: OpsItem, input: Input): Reply | undefined {
  const { OperationalData: data = {}, OpsItemId: _, Tags: __, ...fields } = input as Partial<OpsItem>
  const invalid = (message: string) => refuse('OpsItemInvalidParameterException', message)
  for (const [field, maxLength] of Object.entries(MAX_LENGTHS)) {
    const { length } = String(input[field] ?? 'x')
    if (length < 1 || length > maxLength)
      return refuse('ValidationException', `Value at '${field}' failed to satisfy constraint: length 1 to ${maxLength}`)
  }
  if (fields.Priority !== undefined && ![1, 2, 3, 4, 5].includes(fields.Priority))
    return invalid('Priority must be 1 to 5.')
  if (fields.Status && !['Open', 'InProgress', 'Resolved'].includes(fields.Status))
    return invalid(`Status ${fields.Status} is not valid.`)
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name))
  if (unknown) return refuse('SerializationException', `Unknown field ${unknown}`)
  for (const [name, { Value = '' }] of Object.entries(data)) {
    if (name.length > 128 || (RESERVED.test(name) && !AWS_KEYS.includes(name)))
      return invalid(`OperationalData key ${name} is not valid.`)
    if (name === '/aws/dedup' && item.OperationalData[name])
      return invalid('The deduplication string cannot be changed.')
    if (Value.trim() === '' || Value.length > 20_480)
      return invalid(`OperationalData value of ${name} must have 1 to 20480 bytes.`)
  }
  Object.assign(item, fields)
  Object.assign(item.OperationalData, data)
  return undefined
}

function addTags(item: OpsItem, input: unknown): Reply | undefined {
  const tags = input as { Key: string; Value: string }[]
  if (tags.some(({ Key }) => Key.length > 128 || !TAG.test(Key) || /^aws:/i.test(Key)))
    return refuse('ValidationException', "Value at 'tags' failed to satisfy constraint")
  for (const { Key, Value } of tags) item.Tags[Key] = Value
  return undefined
}

function withOpsItem({ opsItems }: State, id: string, answer: (item: OpsItem) => object): object | Reply {
  if (!/^oi-[0-9a-f]{12}$/.test(id))
    return refuse('ValidationException', "Value at 'opsItemId' failed to satisfy constraint")
  const item = opsItems.find(({ OpsItemId }) => OpsItemId === id)
  return item ? answer(item) : refuse('OpsItemNotFoundException', `OpsItem Id ${id} does not exist.`)
}

interface Filter {
  Key: string
  Operator: string
  Values: string[]
}

function describe({ opsItems }: State, { OpsItemFilters = [], MaxResults = 50 }: Input): object | Reply {
  const filters = OpsItemFilters as Filter[]
  if (filters.some(({ Key, Operator }) => Key !== 'OperationalData' || Operator !== 'Equal'))
    return refuse('OpsItemInvalidParameterException', 'The filter is not valid.')
  const conditions: { key: string; value: string }[] = filters.map(({ Values: [json = ''] }) => JSON.parse(json))
  const found = opsItems.filter(({ OperationalData: data }) =>
    conditions.every(({ key, value }) => data[key]?.Type === 'SearchableString' && data[key]?.Value === value),
  )
  const summaries = found
    .slice(0, Number(MaxResults))
    .map(({ Description: _, Tags: __, OperationalData: data, ...fields }) => ({
      ...fields,
      OperationalData: Object.fromEntries(Object.entries(data).filter(([, { Type }]) => Type === 'SearchableString')),
    }))
  return { OpsItemSummaries: summaries }
}
