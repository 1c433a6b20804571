/** A response of the API, as a poller sees it. */
export interface PolledResponse {
  status: number
  /** The body as text. */
  text: string
}

/** The reaction of an engine to a response. */
type Reaction = 'continues' | 'asks again' | 'stops'

/** An engine that polls a gate. Its reaction is that of its own code. */
export interface Poller {
  name: string
  /** The query of the gate. */
  query: string
  react(response: PolledResponse): Reaction
}

const SUCCESS = ['pass', 'warning']
const FAILURE = ['fail', 'errored', 'aborted']

/**
 * Flagger's gates (confirm-rollout, confirm-promotion). Flagger asks again at each of its intervals until the gate opens.
 *
 * @see https://github.com/fluxcd/flagger/blob/main/pkg/controller/webhook.go (callWebhook)
 */
const flagger = ({ status }: PolledResponse): Reaction => (status > 202 ? 'asks again' : 'continues')

/**
 * A web metric of Argo Rollouts with `jsonPath: {$.verdict}`, both conditions and an `inconclusiveLimit`.
 *
 * @see https://github.com/argoproj/argo-rollouts/blob/master/metricproviders/webmetric/webmetric.go (Run)
 * @see https://github.com/argoproj/argo-rollouts/blob/master/utils/evaluate/evaluate.go (EvaluateResult)
 */
function argoRollouts({ status, text }: PolledResponse): Reaction {
  // An error: four in a row end the analysis.
  if (status < 200 || status >= 300) return 'stops'
  const { verdict } = JSON.parse(text) as { verdict?: string }
  if (verdict === undefined || FAILURE.includes(verdict)) return 'stops'
  return SUCCESS.includes(verdict) ? 'continues' : 'asks again'
}

/**
 * An HTTP template of Argo Workflows without a `successCondition`, and the `retryStrategy` of docs/callers/argo-workflows.md.
 *
 * @see https://argo-workflows.readthedocs.io/en/latest/http-template/
 */
function argoWorkflows({ status }: PolledResponse): Reaction {
  if (status < 400) return 'continues'
  return /409|429|50[234]/.test(`received non-2xx response code: ${status}`) ? 'asks again' : 'stops'
}

/**
 * Spinnaker's webhook stage that monitors a status URL, with `statusJsonPath: $.verdict` and `progressJsonPath: $.progress`.
 *
 * @see https://github.com/spinnaker/spinnaker/blob/main/orca/orca-webhook/src/main/java/com/netflix/spinnaker/orca/webhook/tasks/MonitorWebhookTask.java
 */
function spinnaker({ status, text }: PolledResponse): Reaction {
  if (status === 429 || status >= 500) return 'asks again'
  if (status >= 400) return 'stops'
  const { verdict, progress } = JSON.parse(text) as { verdict?: unknown; progress?: unknown }
  if (typeof verdict !== 'string' || typeof progress !== 'string') return 'stops'
  if (SUCCESS.includes(verdict)) return 'continues'
  return FAILURE.includes(verdict) ? 'stops' : 'asks again'
}

/**
 * An HTTP Task of Step Functions, a Choice state on `$.ResponseBody.verdict`, and a Wait state.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
 */
function stepFunctions({ status, text }: PolledResponse): Reaction {
  // States.Http.StatusCode.<status>
  if (status < 200 || status >= 300) return 'stops'
  const { verdict } = JSON.parse(text) as { verdict?: string }
  if (verdict === undefined) return 'stops'
  if (SUCCESS.includes(verdict)) return 'continues'
  return FAILURE.includes(verdict) ? 'stops' : 'asks again'
}

export const pollers: Poller[] = [
  { name: 'Flagger', query: '&answer=status', react: flagger },
  { name: 'Argo Workflows', query: '&answer=status', react: argoWorkflows },
  { name: 'Argo Rollouts', query: '', react: argoRollouts },
  { name: 'Spinnaker', query: '', react: spinnaker },
  { name: 'Step Functions', query: '', react: stepFunctions },
]
