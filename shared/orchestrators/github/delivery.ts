import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import type { UnverifiedRequest } from '../../auth/caller-signatures.ts'
import { Failure, invalidInput } from '../../errors.ts'
import { isRecord } from '../../record.ts'
import { signatureSchemes } from '../../sources/schemes.ts'
import { findSignatureProblem, type SignedRequest } from '../../sources/verify.ts'
import { validate } from '../../validate.ts'
import { repository as repositoryName } from '../../vendors/clients/github.ts'
import { evaluate } from '../evaluate.ts'
import type { SignedCall } from '../orchestrator.ts'
import type { CommitAddress, DeploymentAddress } from './address.ts'
import { MAX_CHECK_SECONDS, MAX_DEPLOYMENT_SECONDS, MAX_RESPONSE_MS } from './limits.ts'
import { type GitHubSettings, isAllowedRepository } from './secret.ts'

/** Load this module with `import()`: only requests of GitHub need it. */

/** GitHub's payloads have more fields, and their schema requires few of them. */
const common = {
  repository: z.object({
    id: z.int(),
    name: z.string(),
    full_name: z.string().check(z.regex(repositoryName.pattern)),
    owner: z.object({ login: z.string() }),
  }),
  installation: z.optional(z.object({ id: z.int() })),
}
const deploymentPayload = z.object({
  ...common,
  environment: z.string().check(z.minLength(1), z.maxLength(255)),
  deployment: z.object({ id: z.int() }),
  deployment_callback_url: z.string(),
})
const sha = z.string().check(z.regex(/^[0-9a-f]{40}$/))
const checkSuitePayload = z.object({
  ...common,
  check_suite: z.object({ id: z.int(), head_sha: sha, updated_at: z.string() }),
})
const checkRunPayload = z.object({ ...common, check_run: z.object({ id: z.int(), head_sha: sha }) })

/**
 * Reads a request of the App's webhook.
 *
 * @returns undefined for an event that calls for nothing
 * @throws Failure `unauthenticated`, `forbidden`, `invalid`, `misconfigured`
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export async function readDelivery(
  settings: GitHubSettings,
  request: UnverifiedRequest,
): Promise<SignedCall | undefined> {
  const body = request.rawBody()
  verifySignature(settings, { headers: request.headers, rawBody: body })
  const payload = parse(body)
  const event = `${request.headers['x-github-event']}.${payload['action']}`
  const isDeployment = event === 'deployment_protection_rule.requested'
  if (!isDeployment && !CHECK_EVENTS.includes(event)) return undefined
  if (isDeployment !== (settings.report === 'deployment')) {
    // A deployment would wait for a result that never comes.
    if (!isDeployment) return undefined
    throw new Failure('invalid', 'The orchestrator reports checks. A deployment needs one with "report": "deployment".')
  }
  const { id, origin, address } = isDeployment ? readDeployment(settings, payload) : readCommit(event, payload)
  if (!isAllowedRepository(settings, address.repository))
    throw new Failure('forbidden', `The orchestrator does not allow ${address.repository}. Add it to "repositories".`)
  const input = settings.input === undefined ? {} : await evaluate(settings.input, payload, 'input')
  if (!isRecord(input)) {
    // An expression may select the commits to check.
    if (!isDeployment && (input === null || input === false)) return undefined
    throw invalidInput('input', 'must be an object: correct the expression "input" of the orchestrator')
  }
  return {
    caller: settings.caller,
    body: { id, ...origin, input },
    replyTo: JSON.stringify(address),
    maxDeadline: isDeployment ? MAX_DEPLOYMENT_SECONDS : MAX_CHECK_SECONDS,
    maxResponseMs: MAX_RESPONSE_MS,
  }
}

const CHECK_EVENTS = ['check_suite.requested', 'check_suite.rerequested', 'check_run.rerequested']

/** @throws Failure `unauthenticated` */
function verifySignature({ webhookSecret, previousWebhookSecret }: GitHubSettings, request: SignedRequest): void {
  const secrets = [webhookSecret, ...(previousWebhookSecret === undefined ? [] : [previousWebhookSecret])]
  if (findSignatureProblem(signatureSchemes.github, secrets, request, Date.now()) !== undefined)
    throw new Failure('unauthenticated', 'The signature is not valid. Check the secret of the webhook.')
}

function parse(body: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    if (isRecord(value)) return value
  } catch {
    // The message says what to do.
  }
  throw new Failure(
    'invalid',
    'The body is not a JSON object. Set the content type of the webhook to application/json.',
  )
}

interface Read<T> {
  /** The same for each delivery of the same request. */
  id: string
  origin: { context: string; project: string; service: string; stage?: string }
  address: T
}

function readDeployment({ baseUrl }: GitHubSettings, payload: unknown): Read<DeploymentAddress> {
  const read = validate(deploymentPayload, payload, { what: 'The payload' })
  const { repository, installation, environment, deployment } = read
  const runId = runIdOf(read.deployment_callback_url, baseUrl, repository.full_name)
  return {
    // A run that is started again has a new deployment.
    id: hashOf([repository.full_name, runId, deployment.id, environment, 'requested']),
    origin: { ...originOf(repository, `actions/runs/${runId}`), stage: environment },
    address: {
      repository: repository.full_name,
      repositoryId: repository.id,
      installationId: installation?.id,
      runId,
      environment,
    },
  }
}

/**
 * Returns the id of the run in the URL for the answer. Nothing is ever sent to that URL: it could name another host.
 *
 * @throws Failure `invalid`
 */
function runIdOf(callbackUrl: string, baseUrl: string, repository: string): number {
  const base = new URL(baseUrl)
  const prefix = `${base.origin}${base.pathname.replace(/\/$/, '')}/repos/${repository}/actions/runs/`
  const rest = callbackUrl.startsWith(prefix) ? callbackUrl.slice(prefix.length) : ''
  const [, id] = /^(\d{1,16})\/deployment_protection_rule$/.exec(rest) ?? []
  if (id !== undefined) return Number(id)
  throw invalidInput('deployment_callback_url', `must be ${prefix}<id>/deployment_protection_rule: check "baseUrl"`)
}

function readCommit(event: string, payload: unknown): Read<CommitAddress> {
  if (event.startsWith('check_run')) {
    const { repository, installation, check_run } = validate(checkRunPayload, payload, { what: 'The payload' })
    return commitOf(repository, installation, check_run.head_sha, [event, check_run.id])
  }
  const { repository, installation, check_suite } = validate(checkSuitePayload, payload, { what: 'The payload' })
  const { id, head_sha, updated_at } = check_suite
  const isAgain = event === 'check_suite.rerequested'
  return commitOf(repository, installation, head_sha, [event, id, isAgain ? updated_at : ''])
}

type Repository = z.output<typeof common.repository>

function commitOf(
  repository: Repository,
  installation: { id: number } | undefined,
  head: string,
  identity: unknown[],
): Read<CommitAddress> {
  const { full_name, id } = repository
  return {
    id: hashOf([full_name, head, ...identity]),
    origin: originOf(repository, `commit/${head}`),
    address: { repository: full_name, repositoryId: id, installationId: installation?.id, sha: head },
  }
}

function originOf({ full_name, name, owner }: Repository, context: string) {
  return { context: `${full_name}/${context}`.slice(0, 255), project: owner.login, service: name }
}

function hashOf(identity: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex')
}
