import { ok, type Reply } from '../../infra/sandbox/platforms/loopback-server.ts'
import { type JsonServer, serveJson } from './aws-json.ts'

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
  Parameters: Record<string, string[]>
  Outputs: Record<string, string[]>
  StepExecutions: Step[]
  StepExecutionsTruncated: boolean
  CurrentStepName?: string
  FailureMessage?: string
  /** Not part of a response: the request of each idempotency token. */
  token: string | undefined
  asked: string
}

/** The state of the fake. Tests read and change it. */
interface SsmState {
  opsItems: OpsItem[]
  executions: Execution[]
  /** Runbooks by name, with their parameters and their newest version. */
  documents: Record<string, { parameters: string[]; newest: number }>
  /** Operations that the caller's role does not allow. */
  denied: string[]
  maxExecutions: number
}

export interface SsmServer extends JsonServer {
  state: SsmState
}

type Input = Record<string, unknown>

const pattern = {
  token: /^[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}$/,
  opsItem: /^oi-[0-9a-f]{12}$/,
  tag: /^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$/u,
}
const reserved = /^\/?(?:amazon|aws|amzn|ssm)/

/**
 * AWS Systems Manager as its API answers: JSON 1.1, the operation in a header, the kind of an error in `__type`.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html
 */
export async function startSsm(): Promise<SsmServer> {
  const state: SsmState = {
    opsItems: [],
    executions: [],
    documents: {
      'AWS-RestartEC2Instance': { parameters: ['InstanceId', 'AutomationAssumeRole'], newest: 1 },
      'Restart-Checkout': {
        parameters: ['Service', 'Replicas', 'Hosts', 'Options', 'AutomationAssumeRole'],
        newest: 4,
      },
    },
    denied: [],
    maxExecutions: 100,
  }
  const { operations } = createSsm(state)
  const served = await serveJson({ service: 'ssm', target: 'AmazonSSM', version: '1.1', state, operations })
  return { ...served, state }
}

function refuse(type: string, message: string, more: object = {}): Reply {
  return { status: 400, body: { __type: type, Message: message, ...more } }
}

function createSsm(state: SsmState) {
  const operations: Record<string, (input: Input) => Reply> = {
    StartAutomationExecution: (input) => start(input),
    GetAutomationExecution: (input) =>
      withExecution(input, ({ token: _, asked: __, ...shown }) => ok({ AutomationExecution: shown })),
    StopAutomationExecution: (input) => withExecution(input, (execution) => stop(execution, input)),
    CreateOpsItem: (input) => create(input),
    GetOpsItem: ({ OpsItemId: id }) => withOpsItem(id, ({ Tags: _, ...shown }) => ok({ OpsItem: shown })),
    UpdateOpsItem: (input) => withOpsItem(input['OpsItemId'], (item) => setFields(item, input) ?? ok({})),
    DescribeOpsItems: (input) => describe(input),
    AddTagsToResource: ({ ResourceId: id, Tags: tags }) => withOpsItem(id, (item) => tag(item, tags) ?? ok({})),
  }

  function start(input: Input): Reply {
    const { documents, executions, maxExecutions } = state
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
    if (token !== undefined && !pattern.token.test(token))
      return refuse('ValidationException', `Value '${token}' at 'clientToken' failed to satisfy constraint`)
    const values = Object.values(parameters).flat()
    if (values.some((value) => typeof value !== 'string' || value.length < 1 || value.length > 512))
      return refuse('ValidationException', "Value at 'parameters' failed to satisfy constraint: length 1 to 512")
    const document = documents[name]
    if (!document)
      return refuse('AutomationDefinitionNotFoundException', `Automation definition ${name} was not found.`)
    if (/^\d+$/.test(version) && Number(version) > document.newest)
      return refuse('AutomationDefinitionVersionNotFoundException', `Version ${version} of ${name} was not found.`)
    const unknown = Object.keys(parameters).filter((parameter) => !document.parameters.includes(parameter))
    if (unknown.length > 0)
      return refuse(
        'InvalidAutomationExecutionParametersException',
        `Parameters [${unknown.join(', ')}] are not defined in ${name}.`,
      )
    const asked = JSON.stringify(input)
    const earlier = token === undefined ? undefined : executions.find((one) => one.token === token)
    if (earlier) {
      return earlier.asked === asked
        ? ok({ AutomationExecutionId: earlier.AutomationExecutionId })
        : refuse('IdempotentParameterMismatch', 'The client token was used with other parameters.')
    }
    const running = executions.filter(({ AutomationExecutionStatus: status }) => status === 'InProgress')
    if (running.length >= maxExecutions)
      return refuse('AutomationExecutionLimitExceededException', 'Concurrent executions exceed the limit.')
    const number = (executions.length + 1).toString(16).padStart(12, '0')
    const execution: Execution = {
      AutomationExecutionId: `4105a4fc-f944-11e6-9d32-${number}`,
      DocumentName: name,
      DocumentVersion: version.startsWith('$') ? String(document.newest) : version,
      AutomationExecutionStatus: 'InProgress',
      Parameters: parameters,
      Outputs: {},
      StepExecutions: [
        { StepName: 'Drain', Action: 'aws:executeAwsApi', StepStatus: 'Success' },
        { StepName: 'Restart', Action: 'aws:runCommand', StepStatus: 'InProgress' },
      ],
      StepExecutionsTruncated: false,
      CurrentStepName: 'Restart',
      token,
      asked,
    }
    executions.push(execution)
    return ok({ AutomationExecutionId: execution.AutomationExecutionId })
  }

  function stop(execution: Execution, { Type: type = 'Cancel' }: Input): Reply {
    if (execution.AutomationExecutionStatus !== 'InProgress')
      return refuse('InvalidAutomationStatusUpdateException', 'Execution cannot be stopped from its current status.')
    execution.AutomationExecutionStatus = type === 'Cancel' ? 'Cancelled' : 'Success'
    return ok({})
  }

  function withExecution({ AutomationExecutionId: id }: Input, answer: (execution: Execution) => Reply): Reply {
    const found = state.executions.find(({ AutomationExecutionId }) => AutomationExecutionId === id)
    if (found) return answer(found)
    return refuse('AutomationExecutionNotFoundException', `Automation execution ${id} does not exist.`)
  }

  function create(input: Input): Reply {
    const missing = ['Title', 'Description', 'Source'].filter((field) => !input[field])
    if (missing.length > 0)
      return refuse('ValidationException', `Value null at '${missing[0]}' failed to satisfy constraint`)
    if (/aws|amazon|amzn/i.test(String(input['Source'])))
      return refuse('OpsItemInvalidParameterException', 'Source cannot contain aws, amazon or amzn.')
    const data = (input['OperationalData'] ?? {}) as OpsItem['OperationalData']
    const dedup = data['/aws/dedup']?.Value
    const twin = state.opsItems.find(
      ({ Status, OperationalData }) => dedup && OperationalData['/aws/dedup']?.Value === dedup && Status !== 'Resolved',
    )
    if (twin) {
      const { OpsItemId } = twin
      return refuse('OpsItemAlreadyExistsException', `OpsItem already exists: ${OpsItemId}`, { OpsItemId })
    }
    const id = `oi-${(state.opsItems.length + 1).toString(16).padStart(12, '0')}`
    const item: OpsItem = {
      OpsItemId: id,
      Title: '',
      Description: '',
      Source: '',
      Status: 'Open',
      OperationalData: {},
      Tags: {},
    }
    const wrong = setFields(item, { ...input, OpsItemId: id }) ?? tag(item, input['Tags'] ?? [])
    if (wrong) return wrong
    state.opsItems.push(item)
    return ok({ OpsItemId: id, OpsItemArn: `arn:aws:ssm:eu-west-1:123456789012:opsitem/${id}` })
  }

  /** Sets what is given; operational data is added to what there is. */
  function setFields(item: OpsItem, input: Input): Reply | undefined {
    const { OperationalData: data = {}, OpsItemId: _, Tags: __, ...asked } = input as Partial<OpsItem>
    const invalid = (message: string) => refuse('OpsItemInvalidParameterException', message)
    const tooLong = Object.entries({ Title: 1_024, Description: 2_048, Source: 128, Category: 64, Severity: 64 }).find(
      ([field, most]) => String((asked as Input)[field] ?? 'x').length > most || (asked as Input)[field] === '',
    )
    if (tooLong)
      return refuse(
        'ValidationException',
        `Value at '${tooLong[0]}' failed to satisfy constraint: length 1 to ${tooLong[1]}`,
      )
    if (asked.Priority !== undefined && ![1, 2, 3, 4, 5].includes(asked.Priority))
      return invalid('Priority must be 1 to 5.')
    if (asked.Status && !['Open', 'InProgress', 'Resolved'].includes(asked.Status))
      return invalid(`Status ${asked.Status} is not valid.`)
    const unknown = Object.keys(asked).filter(
      (name) =>
        !['Title', 'Description', 'Source', 'Status', 'Priority', 'Severity', 'Category', 'Notifications'].includes(
          name,
        ),
    )
    if (unknown.length > 0) return refuse('SerializationException', `Unknown field ${unknown[0]}`)
    for (const [name, { Value = '' }] of Object.entries(data)) {
      if (
        name.length > 128 ||
        (reserved.test(name) && !['/aws/dedup', '/aws/resources', '/aws/automations'].includes(name))
      )
        return invalid(`OperationalData key ${name} is not valid.`)
      if (name === '/aws/dedup' && item.OperationalData[name])
        return invalid('The deduplication string cannot be changed.')
      if (Value.trim() === '' || Value.length > 20_480)
        return invalid(`OperationalData value of ${name} must have 1 to 20480 bytes.`)
    }
    Object.assign(item, asked)
    Object.assign(item.OperationalData, data)
    return undefined
  }

  function tag(item: OpsItem, tags: unknown): Reply | undefined {
    const given = tags as { Key: string; Value: string }[]
    if (given.some(({ Key }) => Key.length > 128 || !pattern.tag.test(Key) || /^aws:/i.test(Key)))
      return refuse('ValidationException', "Value at 'tags' failed to satisfy constraint")
    for (const { Key, Value } of given) item.Tags[Key] = Value
    return undefined
  }

  function withOpsItem(id: unknown, answer: (item: OpsItem) => Reply): Reply {
    if (!pattern.opsItem.test(String(id)))
      return refuse('ValidationException', "Value at 'opsItemId' failed to satisfy constraint")
    const found = state.opsItems.find(({ OpsItemId }) => OpsItemId === id)
    return found ? answer(found) : refuse('OpsItemNotFoundException', `OpsItem Id ${id} does not exist.`)
  }

  function describe({ OpsItemFilters: filters = [], MaxResults: most = 50 }: Input): Reply {
    const asked = (filters as { Key: string; Operator: string; Values: string[] }[]).map(
      ({ Key, Operator, Values }) => {
        if (Key !== 'OperationalData' || Operator !== 'Equal') return undefined
        return JSON.parse(Values[0] ?? '') as { key: string; value: string }
      },
    )
    if (asked.includes(undefined)) return refuse('OpsItemInvalidParameterException', 'The filter is not valid.')
    const found = state.opsItems.filter(({ OperationalData: data }) =>
      asked.every((one) => one && data[one.key]?.Type === 'SearchableString' && data[one.key]?.Value === one.value),
    )
    const summaries = found
      .slice(0, Number(most))
      .map(({ Description: _, Tags: __, OperationalData: data, ...shown }) => ({
        ...shown,
        OperationalData: Object.fromEntries(Object.entries(data).filter(([, { Type }]) => Type === 'SearchableString')),
      }))
    return ok({ OpsItemSummaries: summaries })
  }

  return { operations }
}
