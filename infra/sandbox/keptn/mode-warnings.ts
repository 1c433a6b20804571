import type { Category } from '../../../shared/providers/category.ts'
import { categories } from '../../project/categories.ts'
import { taskEvent } from './events.ts'
import type { Webhook } from './webhook-config.ts'

/** A subscription whose settings let a sequence hang, or lose a result. */
export interface ModeWarning {
  subscriptionID: string
  type: string
  /** `note`: correct, but Keptn does not get a result of the action. */
  severity: 'wrong' | 'note'
  problem: string
  advice: string
}

/** A request of a subscription to this API. */
interface Call {
  webhook: Webhook
  task: string
  path: string
  query: URLSearchParams
  payload: string
}

const STANDARD_APPROVAL = 'approval'

/** Returns whether a silent call waits for a result that can be `warning`. Keptn makes a pass of it. */
export function losesWarning({ actions, actionMapping }: Category, name: string): boolean {
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  return action ? action.type === 'job' && action.job.silent === 'waits' : actionMapping?.name === name
}

/**
 * Finds subscriptions to `<task>.triggered` for which Keptn and the receiver together send too few or too many `started`
 * and `finished` events, or whose `finished` event lacks the result. Only requests whose URL ends in `/v1/<category>/<action>` are checked.
 */
export function checkModes(webhooks: readonly Webhook[]): ModeWarning[] {
  const calls = webhooks.flatMap(callsOf)
  const warnings = calls.flatMap((call) =>
    problemsOf(call).map(([problem, advice]) => warning(call.webhook, problem, advice)),
  )
  return [...unique(warnings), ...duplicateCalls(calls), ...unique(calls.flatMap(lostResult))]
}

/** Formats the warning as one line. */
export const describeWarning = ({ subscriptionID, type, problem, advice }: ModeWarning): string =>
  `warning: subscription ${subscriptionID} to ${type}: ${problem} ${advice}`

function callsOf(webhook: Webhook): Call[] {
  const event = taskEvent(webhook.type)
  if (event?.kind !== 'triggered') return []
  return webhook.requests.flatMap((request) => {
    const url = typeof request === 'string' ? (/https?:\/\/[^\s'"]+/.exec(request)?.[0] ?? '') : request.url
    const { path, query = '' } =
      /(?<path>\/v1\/[^/?#]+\/[^/?#]+)(?:\?(?<query>[^#]*))?(?:#.*)?$/.exec(url)?.groups ?? {}
    if (path === undefined) return []
    const payload = typeof request === 'string' ? request : request.payload
    return [{ webhook, task: event.task, path, query: new URLSearchParams(query), payload }]
  })
}

function problemsOf({ webhook, task, query }: Call): [problem: string, advice: string][] {
  const { sendStarted, sendFinished } = webhook
  const mode = query.get('mode') ?? 'silent'
  // A template determines the mode.
  if (mode.includes('{{')) return []
  if (mode !== 'interactive') {
    if (!sendFinished)
      return [
        [
          `${task}.finished is never sent, so the sequence hangs.`,
          'Add mode=interactive to the URL, or set sendFinished: true (Bridge: send finished event automatically).',
        ],
      ]
    return sendStarted ? [] : [neverStarted(task, 'Set sendStarted: true (Bridge: send started event automatically).')]
  }
  if (sendFinished)
    return [
      [
        'Keptn finishes the task with pass when the call is accepted, even if the task fails later.',
        'Set sendFinished: false (Bridge: send finished event by webhook receiver), or remove mode=interactive.',
      ],
    ]
  return startProblems(task, sendStarted, query.get('sendStarted') === 'true')
}

function startProblems(task: string, byKeptn: boolean, byReceiver: boolean): [problem: string, advice: string][] {
  const twice = `${task}.started is sent twice and ${task}.finished once, so the sequence hangs.`
  if (byKeptn && byReceiver) return [[twice, 'Remove sendStarted=true from the URL, or set sendStarted: false.']]
  if (task === STANDARD_APPROVAL)
    return byKeptn ? [[twice, "Set sendStarted: false: Keptn's approval-service sends it too."]] : []
  if (byKeptn || byReceiver) return []
  return [neverStarted(task, 'Set sendStarted: true, or add sendStarted=true to the URL.')]
}

const neverStarted = (task: string, advice: string): [string, string] => [
  `${task}.started is never sent, so the task stays open after ${task}.finished.`,
  advice,
]

/** webhook-service sends the result `pass` for every response below 400. */
function lostResult({ webhook, task, path, query }: Call): ModeWarning[] {
  const [, , category, action = ''] = path.split('/')
  const called = categories.find(({ name }) => name === category)
  const isSilent = (query.get('mode') ?? 'silent') === 'silent' && webhook.sendFinished
  if (!isSilent || !called || !losesWarning(called, action)) return []
  return [
    {
      ...warning(
        webhook,
        `if the result is warning, Keptn finishes ${task} with pass.`,
        'Use mode=interactive in the URL and sendFinished: false (Bridge: send finished event by webhook receiver).',
      ),
      severity: 'note',
    },
  ]
}

/** The receiver detects duplicate calls and sends one `finished` event, but Keptn counts a `started` event for each request. */
function duplicateCalls(calls: readonly Call[]): ModeWarning[] {
  const seen = new Set<string>()
  return calls.flatMap(({ webhook, path, query, payload }) => {
    if (query.get('mode') !== 'interactive' || webhook.sendFinished || !webhook.sendStarted) return []
    const key = JSON.stringify([webhook.type, path, query.get('connection'), payload])
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    const { task = '' } = taskEvent(webhook.type) ?? {}
    return [
      warning(
        webhook,
        `its call duplicates another request: ${task}.started is sent twice and ${task}.finished once, so the sequence hangs.`,
        'Remove one of the requests.',
      ),
    ]
  })
}

const warning = ({ subscriptionID, type }: Webhook, problem: string, advice: string): ModeWarning => ({
  subscriptionID,
  type,
  severity: 'wrong',
  problem,
  advice,
})

/** Removes duplicates of a subscription with several requests. */
const unique = (warnings: readonly ModeWarning[]): ModeWarning[] => [
  ...new Map(warnings.map((found) => [describeWarning(found), found])).values(),
]
