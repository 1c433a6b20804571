import { createHash, createPublicKey } from 'node:crypto'
import { routeTable } from '../../testing/route-table.ts'
import { type AppState, answerApp } from '../platforms/github/app-routes.ts'
import { deploymentRequested, type WaitingRun, webhookHeaders } from '../platforms/github/deployments.ts'
import { type FakeCall, json, jsonObject, type Platform } from '../platforms/sandbox/http.ts'
import { type Engine, EngineError, type EnginePlace } from './engine.ts'
import { rsaKeyOf } from './rsa-key.ts'
import type { EngineRun, EngineRuns } from './runs.ts'
import { pathOf } from './step.ts'
import { readTaskStatus } from './task-status.ts'

const APP_ID = '1234'
/** Between a failed delivery and its repeat, which `webhooks github redeliver` requests from the real GitHub. */
const REDELIVERY_MS = 1_000
const MAX_DELIVERIES = 60

/**
 * Simulates a workflow whose jobs wait for a custom deployment protection rule. Each step is a job with an environment.
 *
 * @see https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules
 */
export const github: Engine = {
  name: 'github',
  title: 'GitHub Actions',
  summary: 'A deployment waits until its protection rule is approved or rejected.',

  secrets: (place) => ({
    callers: { github: { categories: ['*'], orchestrator: 'github' } },
    orchestrators: {
      github: {
        type: 'github',
        baseUrl: place.root,
        appId: APP_ID,
        caller: 'github',
        privateKey: privateKeyOf(place).export({ type: 'pkcs8', format: 'pem' }).toString(),
        webhookSecret: webhookSecretOf(place),
        // GitHub Actions leaves it empty. The sandbox has the input of the step there.
        input: 'deployment.payload',
      },
    },
  }),

  platform(runs, place) {
    const state = appStateOf(runs, place)
    return {
      error: (status, message) => json(status, { message }),
      answer: (call) => answer(runs, state, call),
    }
  },

  repeats: ['comment'],

  async run(run, client) {
    const { step } = run
    const waiting = waitingRunOf(run)
    const [environment] = waiting.environments
    if (!environment) throw new Error('The run has no deployment.')
    const payload = deploymentRequested(client.root, waiting, environment)
    const deployment = { ...payload.deployment, payload: step.input }
    const body = JSON.stringify({ ...payload, deployment })
    const headers = webhookHeaders(webhookSecretOf(client), 'deployment_protection_rule', run.id, body)
    const path = pathOf(step, { orchestrator: 'github', sendStarted: 'true', progress: 'true' })
    const request = { path, headers, body }
    for (let deliveries = 1; ; deliveries++) {
      const { status, body: response } = await client.send(request)
      const { message } = readTaskStatus(response)
      if (status === 202) return client.ending()
      const isTemporary = status === 0 || status === 429 || status >= 500
      if (!isTemporary || deliveries === MAX_DELIVERIES)
        throw new EngineError(`The delivery got ${status}, and the deployment waits: ${message || response}`)
      await client.sleep(REDELIVERY_MS)
    }
  },
}

function privateKeyOf(place: EnginePlace) {
  return rsaKeyOf(place.credential('app'))
}

function webhookSecretOf(place: EnginePlace): string {
  return place.credential('webhook')
}

/** The App of the sandbox. Its tokens are lost in a restart, as if they had expired. */
function appStateOf(runs: EngineRuns, place: EnginePlace): AppState {
  return {
    appIds: [APP_ID],
    publicKey: () => createPublicKey(privateKeyOf(place)),
    permissions: { actions: 'read', checks: 'write', deployments: 'write', metadata: 'read' },
    events: ['check_run', 'check_suite', 'deployment_protection_rule'],
    hook: { url: `${place.url}/v1/ci-cd/trigger-deployment?orchestrator=github`, content_type: 'json' },
    isInstalled: true,
    run(repository, id) {
      const found = findRun(runs, id)
      const waiting = found && waitingRunOf(found)
      if (found && waiting?.repository !== repository) return undefined
      return (
        waiting && {
          ...waiting,
          environments: waiting.environments.map((one) => ({ ...one, comments: commentsOf(runs, found) })),
        }
      )
    },
    checks: [],
    commits: [],
    deliveries: [],
    redeliver() {},
    tokens: new Map(),
  }
}

/** The number of a workflow run. */
function numberOf({ id }: Pick<EngineRun, 'id'>): number {
  return Number.parseInt(createHash('sha256').update(id).digest('hex').slice(0, 12), 16)
}

function findRun(runs: EngineRuns, id: number): EngineRun | undefined {
  return runs.list('github').find((run) => numberOf(run) === id)
}

function waitingRunOf(run: EngineRun): WaitingRun {
  const { project, stage, service } = run.step.data
  const { ending, isGone } = run
  const isApproved = ending?.verdict === 'pass' || ending?.verdict === 'warning'
  const decision = ending ? (isApproved ? 'approved' : 'rejected') : isGone ? 'rejected' : null
  return {
    id: numberOf(run),
    repository: `${project}/${service}`,
    environments: [{ name: stage, deploymentId: numberOf(run), hasOtherRule: false, decision, comments: [] }],
  }
}

function commentsOf(runs: EngineRuns, { id }: EngineRun): string[] {
  return runs
    .messages(id)
    .filter(({ direction, status }) => direction === 'answer' && status < 300)
    .map(({ body }) => String(jsonObject(body)?.['comment'] ?? ''))
}

const reviewedRun = routeTable<{ runs: EngineRuns }, EngineRun | undefined>()({
  'POST /repos/{owner}/{repo}/actions/runs/{run}/deployment_protection_rule': ({ runs, params }) =>
    findRun(runs, Number(params.run)),
})

function answer(runs: EngineRuns, state: AppState, call: FakeCall): ReturnType<Platform['answer']> {
  const { method, path, query, headers, body } = call
  const reply = answerApp(state, { method, encodedPath: path, query, headers, body: jsonObject(body) })
  const run = reviewedRun(`${method} ${path}`, { runs })
  if (!run) return json(reply.status, reply.body ?? {}, reply.headers)
  const { state: decision, comment } = jsonObject(body) ?? {}
  const what = typeof decision === 'string' ? decision : 'comment'
  runs.record(run.id, { direction: 'answer', what, status: reply.status, body })
  if (reply.status < 300 && typeof decision === 'string')
    runs.end(run.id, { verdict: decision === 'approved' ? 'pass' : 'fail', message: messageIn(String(comment)) })
  return reply.body === undefined ? { status: reply.status } : json(reply.status, reply.body, reply.headers)
}

/** Returns the first line of a comment as people see it, without the icon. */
function messageIn(comment: string): string {
  const [line = ''] = comment.split('\n')
  return line.replace(/\\([!-/:-@[-`{-~])|\u200b/g, '$1').replace(/^\S+ (?:\w+: )?/u, '')
}
