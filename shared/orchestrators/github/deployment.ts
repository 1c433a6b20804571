import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import type { Http } from '../../http/client.ts'
import { segment } from '../../http/segment.ts'
import { log } from '../../log.ts'
import { verdictOf } from '../../outcome.ts'
import type { Mood } from '../../text/message.ts'
import { repositoryPath } from '../../vendors/clients/github.ts'
import { installationClient } from '../../vendors/clients/github-app.ts'
import { shortComment } from '../../vendors/clients/github-markdown.ts'
import type { Answer, AnsweredTask, Delivery } from '../orchestrator.ts'
import type { DeploymentAddress } from './address.ts'
import { MAX_REFUSED_ATTEMPTS, REFUSALS } from './limits.ts'
import type { GitHubSettings } from './secret.ts'

/** Load this module with `import()`: only answers to GitHub need it. */

/** A limit of GitHub. */
const MAX_COMMENT = 1_024

/** Actions: read shows which deployments wait. */
const PERMISSIONS = { actions: 'read', deployments: 'write' } as const

const pendingDeployments = z.array(z.object({ environment: z.object({ name: z.string() }) }))
const reviews = z.array(z.object({ state: z.string(), comment: z.optional(z.string()) }))

/**
 * Sends an answer to the deployment of a workflow run. Started and progress are comments, of which GitHub takes ten.
 *
 * @see https://docs.github.com/en/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run
 */
export async function answerDeployment(
  settings: GitHubSettings,
  address: DeploymentAddress,
  task: AnsweredTask,
  answer: Answer,
  uncertainAttempts: number,
): Promise<Delivery> {
  if (answer.kind === 'heartbeat') return 'sent'
  const deployment = new Deployment(installationClient(settings, address, PERMISSIONS), address)
  const comment = commentOf(task, answer, settings)
  if (answer.kind === 'finished') {
    const state = isApproved(answer, settings) ? 'approved' : 'rejected'
    return deployment.decide(state, comment, task.id, uncertainAttempts)
  }
  try {
    await deployment.post({ comment })
  } catch (error) {
    // The gate works without comments.
    if (!isRefused(error)) throw error
    log.warn('comment refused', { kind: error.kind, reason: error.message })
  }
  return 'sent'
}

/** The part of a workflow run that waits for a decision. */
class Deployment {
  readonly #http: Http
  readonly #path: string
  readonly #environment: string

  constructor(http: Http, { repository, runId, environment }: DeploymentAddress) {
    this.#http = http
    this.#path = `${repositoryPath(repository)}/actions/runs/${segment(runId)}`
    this.#environment = environment
  }

  async post(review: { state?: string; comment?: string }): Promise<void> {
    await this.#http.post(`${this.#path}/deployment_protection_rule`, {
      environment_name: this.#environment,
      ...review,
    })
  }

  /**
   * Approves or rejects the deployment.
   *
   * @param taskId is part of the comment, so that the decision can be recognized
   */
  async decide(state: string, comment: string, taskId: string, uncertainAttempts: number): Promise<Delivery> {
    if (uncertainAttempts > 0 && ((await this.#waits()) === false || (await this.#hasDecision(taskId)))) return 'sent'
    try {
      await this.post({ state, comment })
      return 'sent'
    } catch (error) {
      if (!isRefused(error)) throw error
      return this.#afterRefusal(state, error, uncertainAttempts)
    }
  }

  async #afterRefusal(state: string, refusal: Failure, uncertainAttempts: number): Promise<Delivery> {
    const waits = await this.#waits()
    if (waits === false) return uncertainAttempts > 0 ? 'sent' : 'unwanted'
    if (waits === true) {
      try {
        // The comments may be used up. The decision matters more.
        await this.post({ state })
        return 'sent'
      } catch (error) {
        if (!isRefused(error)) throw error
      }
    }
    if (uncertainAttempts + 1 < MAX_REFUSED_ATTEMPTS) throw refusal
    log.warn('answer refused', { kind: refusal.kind, reason: refusal.message })
    return 'unwanted'
  }

  /**
   * Whether the deployment still waits, for this rule or for another one. Undefined if GitHub does not show it.
   *
   * @see https://docs.github.com/en/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run
   */
  async #waits(): Promise<boolean | undefined> {
    const pending = await this.#read('pending_deployments', pendingDeployments)
    return pending?.some(({ environment }) => environment.name === this.#environment)
  }

  /**
   * Whether an earlier attempt has decided. The deployment may then still wait for other rules.
   *
   * @see https://docs.github.com/en/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run
   */
  async #hasDecision(taskId: string): Promise<boolean> {
    const decisions = (await this.#read('approvals', reviews)) ?? []
    return decisions.some(({ state, comment }) => state !== 'pending' && comment?.includes(taskId) === true)
  }

  /** Returns undefined if there is no such run, or the App is not installed. */
  async #read<T>(resource: string, schema: z.core.$ZodType<T>): Promise<T | undefined> {
    try {
      return (await this.#http.get(`${this.#path}/${resource}`, { schema })).body
    } catch (error) {
      if (isRefused(error) && error.response?.status === 404) return undefined
      throw error
    }
  }
}

function isRefused(error: unknown): error is Failure {
  return error instanceof Failure && error.kind === 'refused' && REFUSALS.includes(error.response?.status ?? 0)
}

function isApproved({ outcome }: Answer & { kind: 'finished' }, { onWarning }: GitHubSettings): boolean {
  const verdict = verdictOf(outcome)
  return verdict === 'pass' || (verdict === 'warning' && onWarning === 'approve')
}

/** Returns the text for people, which always has the id of the task. */
function commentOf(
  { id, category, action, apiUrl }: AnsweredTask,
  answer: Exclude<Answer, { kind: 'heartbeat' }>,
  settings: GitHubSettings,
): string {
  const footer = apiUrl === undefined ? `Task ${id}` : { label: `Task ${id}`, url: `${apiUrl}/tasks/${id}` }
  if (answer.kind === 'started')
    return shortComment({ mood: 'waiting', text: `${category}/${action} started`, footer }, MAX_COMMENT)
  if (answer.kind === 'progress') return shortComment({ mood: 'waiting', text: answer.message, footer }, MAX_COMMENT)
  const { outcome } = answer
  const mood: Mood = isApproved(answer, settings) ? (outcome.result === 'pass' ? 'good' : 'warning') : 'bad'
  const links = Object.entries(outcome.links).map(([label, url]) => ({ label, url }))
  return shortComment({ mood, text: `${verdictOf(outcome)}: ${outcome.message}`, links, footer }, MAX_COMMENT)
}
