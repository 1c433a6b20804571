import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'
import { restDenied, restError, restSignatureError } from './aws-signature.ts'

interface Action {
  actionId: string
  description?: string
  parameters: Record<string, string>
  targets: Record<string, string>
  startAfter?: string[]
  state: { status: string; reason: string }
  startTime?: number
  endTime?: number
}

interface Template {
  roleArn: string
  actions: Record<string, string>
  targets: Record<string, { resourceType: string; resourceTags: Record<string, string>; selectionMode: string }>
  stopConditions: { source: string; value?: string }[]
}

interface Experiment {
  id: string
  arn: string
  experimentTemplateId: string
  roleArn: string
  state: { status: string; reason?: string; error?: { accountId: string; code: string; location: string } }
  actions: Record<string, Action>
  targets: Template['targets']
  stopConditions: Template['stopConditions']
  /** In seconds, as the API has all times. */
  creationTime: number
  startTime?: number
  endTime?: number
  tags: Record<string, string>
  experimentOptions: { accountTargeting: string; emptyTargetResolutionMode: string; actionsMode: string }
  targetAccountConfigurationsCount: number
}

/** The state of the fake. Tests read and change it. */
interface FisState {
  templates: Record<string, Template>
  experiments: Experiment[]
  /** The request of each idempotency token. */
  tokens: Map<string, { asked: string; id: string }>
  /** Operations that the caller's role does not allow. */
  denied: string[]
  /** How many experiments may be on. */
  maxActive: number
}

export interface FisServer extends Served {
  state: FisState
  /** The newest experiment. */
  newest(): Experiment
  /** The requested operations in order: `StartExperiment`. */
  operations(): string[]
  /** Brings the newest experiment into a state. */
  become(status: string, more?: Partial<Experiment['state']>): void
  /** Brings an action of the newest experiment into a state. */
  act(name: string, status: string, reason?: string): void
}

const region = 'eu-west-1'
const account = '123456789012'
const active = ['pending', 'initiating', 'running', 'stopping']
const STARTED_AT = 1_764_000_000

/**
 * AWS Fault Injection Service as its REST API answers: the kind of an error in a header, its words in the body.
 *
 * @see https://docs.aws.amazon.com/fis/latest/APIReference/Welcome.html
 */
export async function startFis(): Promise<FisServer> {
  const state: FisState = {
    templates: {
      EXT1a2b3c4d5e6f7: {
        roleArn: `arn:aws:iam::${account}:role/fis`,
        actions: { 'cpu-stress': 'aws:ssm:send-command', 'stop-one': 'aws:ec2:stop-instances' },
        targets: {
          shop: { resourceType: 'aws:ec2:instance', resourceTags: { app: 'shop' }, selectionMode: 'COUNT(1)' },
        },
        stopConditions: [
          { source: 'aws:cloudwatch:alarm', value: `arn:aws:cloudwatch:${region}:${account}:alarm:checkout-errors` },
        ],
      },
    },
    experiments: [],
    tokens: new Map(),
    denied: [],
    maxActive: 5,
  }
  const served = await serve((call) => createFis(state).answer(call))
  const newest = () => newestOf(state.experiments)
  return {
    ...served,
    state,
    newest,
    operations: () => served.calls.map((call) => operationOf(call) ?? ''),
    become(status, more = {}) {
      const seen = newest()
      seen.state = { status, reason: `Experiment ${status}.`, ...more }
      if (status !== 'pending') seen.startTime ??= STARTED_AT
      if (!active.includes(status)) seen.endTime = STARTED_AT + 300
    },
    act(name, status, reason = `Action was ${status}.`) {
      const found = newest().actions[name]
      if (!found) throw new Error(`There is no action ${name}`)
      found.state = { status, reason }
    },
  }
}

function operationOf({ method, path }: Call): string | undefined {
  if (method === 'POST' && path === '/experiments') return 'StartExperiment'
  if (!/^\/experiments\/[^/]+$/.test(path)) return undefined
  return { GET: 'GetExperiment', DELETE: 'StopExperiment' }[method]
}

function createFis(state: FisState) {
  function answer(call: Call): Reply {
    const unsigned = restSignatureError(call, 'fis')
    if (unsigned) return unsigned
    const operation = operationOf(call)
    if (!operation) return restError(404, 'UnknownOperationException', '')
    const body = (call.body ?? {}) as Record<string, unknown>
    const needed = body['tags'] ? [operation, 'TagResource'] : [operation]
    const denied = needed.find((one) => state.denied.includes(one))
    if (denied) return restDenied(`fis:${denied}`)
    if (operation === 'StartExperiment') return start(body)
    const id = call.path.split('/')[2]
    const found = state.experiments.find((experiment) => experiment.id === id)
    if (!found) return restError(404, 'ResourceNotFoundException', `Experiment ${id} does not exist.`)
    return operation === 'GetExperiment' ? ok({ experiment: found }) : stop(found)
  }

  function start({
    clientToken,
    experimentTemplateId,
    tags = {},
    experimentOptions = {},
    ...others
  }: Record<string, unknown>) {
    const wrong = Object.keys(others)
    if (wrong.length > 0 || typeof clientToken !== 'string' || !/^\S{1,1024}$/.test(clientToken))
      return restError(400, 'ValidationException', `Invalid request: ${wrong.join(', ') || 'clientToken'}`)
    const templateId = String(experimentTemplateId)
    const template = state.templates[templateId]
    if (!template)
      return restError(404, 'ResourceNotFoundException', `Experiment template ${templateId} does not exist.`)
    const { actionsMode = 'run-all' } = experimentOptions as { actionsMode?: string }
    if (!['run-all', 'skip-all'].includes(actionsMode))
      return restError(
        400,
        'ValidationException',
        `Value '${actionsMode}' at 'actionsMode' failed to satisfy constraint.`,
      )
    const asked = JSON.stringify([templateId, tags, actionsMode])
    const before = state.tokens.get(clientToken)
    if (before && before.asked !== asked)
      return restError(409, 'ConflictException', 'The client token was used with other parameters.')
    if (before) return ok({ experiment: state.experiments.find(({ id }) => id === before.id) })
    if (state.experiments.filter(({ state }) => active.includes(state.status)).length >= state.maxActive)
      return restError(402, 'ServiceQuotaExceededException', 'The maximum number of active experiments is reached.')
    const id = `EXP00000000000000${state.experiments.length + 1}`
    const experiment: Experiment = {
      id,
      arn: `arn:aws:fis:${region}:${account}:experiment/${id}`,
      experimentTemplateId: templateId,
      ...{ roleArn: template.roleArn, targets: template.targets, stopConditions: template.stopConditions },
      state: { status: 'initiating', reason: 'Experiment is initiating.' },
      actions: Object.fromEntries(
        Object.entries(template.actions).map(([name, actionId]) => [
          name,
          { actionId, parameters: {}, targets: {}, state: { status: 'pending', reason: 'Initial state' } },
        ]),
      ),
      creationTime: STARTED_AT,
      tags: tags as Record<string, string>,
      experimentOptions: { accountTargeting: 'single-account', emptyTargetResolutionMode: 'fail', actionsMode },
      targetAccountConfigurationsCount: 0,
    }
    state.experiments.push(experiment)
    state.tokens.set(clientToken, { asked, id })
    return ok({ experiment })
  }

  function stop(experiment: Experiment): Reply {
    if (!active.includes(experiment.state.status))
      return restError(400, 'ValidationException', `Experiment ${experiment.id} is not running.`)
    experiment.state = { status: 'stopping', reason: 'Stopping Experiment.' }
    return ok({ experiment })
  }

  return { answer }
}
