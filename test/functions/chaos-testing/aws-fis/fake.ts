import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { type Call, newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, stages, startWith, stopsWhenAsked } from '../../../conformance/row.ts'
import { restDenied, restError, restSignatureError } from '../../../platforms/aws-signature.ts'

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
  /** Seconds since 1970. */
  creationTime: number
  startTime?: number
  endTime?: number
  tags: Record<string, string>
  experimentOptions: { accountTargeting: string; emptyTargetResolutionMode: string; actionsMode: string }
  targetAccountConfigurationsCount: number
}

export type FisServer = Awaited<ReturnType<typeof startFis>>

type State = ReturnType<typeof initial>

const region = 'eu-west-1'
const account = '123456789012'
const ACTIVE = ['pending', 'initiating', 'running', 'stopping']
const STARTED_AT = 1_764_000_000

const initial = () => ({
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
  } as Record<string, Template>,
  experiments: [] as Experiment[],
  /** The request of each idempotency token. */
  tokens: new Map<string, { request: string; experiment: Experiment }>(),
  /** Operations that the caller's role does not allow. */
  denied: [] as string[],
  /** Maximum of active experiments. */
  maxActive: 5,
})

/**
 * The REST API of AWS Fault Injection Service. An error has its type in a header and its message in the body.
 *
 * @see https://docs.aws.amazon.com/fis/latest/APIReference/Welcome.html
 */
const startFis = definePlatform({
  state: initial,
  refuses(call, state) {
    const { tags } = (call.body ?? {}) as { tags?: object }
    const denied = [operationOf(call), tags && 'TagResource'].find((name) => name && state.denied.includes(name))
    return restSignatureError(call, 'fis') ?? (denied ? restDenied(`fis:${denied}`) : undefined)
  },
  routes: {
    'POST /experiments': ({ state, body }) => start(state, body),
    'GET /experiments/{id}': ({ state, params }) => withExperiment(state, params.id, (experiment) => ({ experiment })),
    'DELETE /experiments/{id}': ({ state, params }) =>
      withExperiment(state, params.id, (experiment) => {
        if (!ACTIVE.includes(experiment.state.status))
          return restError(400, 'ValidationException', `Experiment ${experiment.id} is not running.`)
        experiment.state = { status: 'stopping', reason: 'Stopping Experiment.' }
        return { experiment }
      }),
  },
  notFound: restError(404, 'UnknownOperationException', ''),
  members({ experiments }, { calls }) {
    const newest = () => newestOf(experiments)
    return {
      newest,
      /** Returns the requested operations in order: `StartExperiment`. */
      operations: () => calls.map((call) => operationOf(call) ?? ''),
      /** Puts the newest experiment into a state. */
      become(status: string, fields: Partial<Experiment['state']> = {}) {
        const experiment = newest()
        experiment.state = { status, reason: `Experiment ${status}.`, ...fields }
        if (status !== 'pending') experiment.startTime ??= STARTED_AT
        if (!ACTIVE.includes(status)) experiment.endTime = STARTED_AT + 300
      },
      /** Brings an action of the newest experiment into a state. */
      act(name: string, status: string, reason = `Action was ${status}.`) {
        const action = newest().actions[name]
        if (!action) throw new Error(`There is no action ${name}`)
        action.state = { status, reason }
      },
    }
  },
})

function operationOf({ method, path }: Call): string | undefined {
  if (method === 'POST' && path === '/experiments') return 'StartExperiment'
  return path.startsWith('/experiments/') ? { GET: 'GetExperiment', DELETE: 'StopExperiment' }[method] : undefined
}

function withExperiment(
  { experiments }: State,
  id: string,
  answer: (experiment: Experiment) => object,
): object | Reply {
  const experiment = experiments.find((experiment) => experiment.id === id)
  return experiment
    ? answer(experiment)
    : restError(404, 'ResourceNotFoundException', `Experiment ${id} does not exist.`)
}

function start(
  { templates, tokens, experiments, maxActive }: State,
  {
    clientToken,
    experimentTemplateId,
    tags = {},
    experimentOptions = {},
    ...others
  }: {
    clientToken: string
    experimentTemplateId: string
    tags?: Record<string, string>
    experimentOptions?: { actionsMode?: string }
  },
): object | Reply {
  const unknown = Object.keys(others)
  if (unknown.length > 0 || typeof clientToken !== 'string' || !/^\S{1,1024}$/.test(clientToken))
    return restError(400, 'ValidationException', `Invalid request: ${unknown.join(', ') || 'clientToken'}`)
  const template = templates[experimentTemplateId]
  if (!template)
    return restError(404, 'ResourceNotFoundException', `Experiment template ${experimentTemplateId} does not exist.`)
  const { actionsMode = 'run-all' } = experimentOptions
  if (!['run-all', 'skip-all'].includes(actionsMode))
    return restError(
      400,
      'ValidationException',
      `Value '${actionsMode}' at 'actionsMode' failed to satisfy constraint.`,
    )
  const request = JSON.stringify([experimentTemplateId, tags, actionsMode])
  const earlier = tokens.get(clientToken)
  if (earlier && earlier.request !== request)
    return restError(409, 'ConflictException', 'The client token was used with other parameters.')
  if (earlier) return { experiment: earlier.experiment }
  if (experiments.filter(({ state }) => ACTIVE.includes(state.status)).length >= maxActive)
    return restError(402, 'ServiceQuotaExceededException', 'The maximum number of active experiments is reached.')
  const { roleArn, targets, stopConditions } = template
  const id = `EXP00000000000000${experiments.length + 1}`
  const experiment: Experiment = {
    id,
    arn: `arn:aws:fis:${region}:${account}:experiment/${id}`,
    experimentTemplateId,
    roleArn,
    targets,
    stopConditions,
    state: { status: 'initiating', reason: 'Experiment is initiating.' },
    actions: Object.fromEntries(
      Object.entries(template.actions).map(([name, actionId]) => [
        name,
        { actionId, parameters: {}, targets: {}, state: { status: 'pending', reason: 'Initial state' } },
      ]),
    ),
    creationTime: STARTED_AT,
    tags,
    experimentOptions: { accountTargeting: 'single-account', emptyTargetResolutionMode: 'fail', actionsMode },
    targetAccountConfigurationsCount: 0,
  }
  experiments.push(experiment)
  tokens.set(clientToken, { request, experiment })
  return { experiment }
}

export const jobRow = {
  starts: /^POST /,
  start: startWith(startFis, ({ url: endpoint, state, newest, become: enter }) => {
    const [target = ''] = Object.keys(state.templates)
    return {
      connection: { region: 'eu-west-1', endpoint, allow: [target] },
      input: { target },
      runs: () => state.experiments.length,
      id: () => newest().id,
      ...stages(enter, 'running', 'completed'),
      finishStop: stopsWhenAsked(enter, () => newest().state.status, 'stopping', 'stopped'),
    }
  }),
} satisfies JobRow
