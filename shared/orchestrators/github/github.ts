import * as z from 'zod/mini'
import { type Failure, type FieldError, invalidFields } from '../../errors.ts'
import { repository } from '../../vendors/clients/github.ts'
import { type CallEvent, originOf } from '../event/event.ts'
import { type AnswerableCall, defineOrchestrator, type InteractiveCall, type Orchestrator } from '../orchestrator.ts'
import type { CommitAddress } from './address.ts'
import { MAX_CHECK_SECONDS, MAX_DEPLOYMENT_SECONDS, MAX_PROGRESS } from './limits.ts'
import { type GitHubSettings, githubSecret, isAllowedRepository } from './secret.ts'

export const githubType = defineOrchestrator({ secret: githubSecret, connect: github })

/**
 * Returns the orchestrator for a GitHub App: a custom deployment protection rule, or check runs.
 *
 * @see https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules
 */
export function github(settings: GitHubSettings): Orchestrator {
  return {
    async receive(request) {
      const { readDelivery } = await import('./delivery.ts')
      return readDelivery(settings, request)
    },

    parse(call) {
      return settings.report === 'check' ? parseCheck(settings, call) : parseDeployment(call)
    },

    async send(task, answer, uncertainAttempts) {
      const address = JSON.parse(task.replyTo ?? '{}')
      // A call that was accepted with other settings still has its own address.
      if ('runId' in address) {
        const { answerDeployment } = await import('./deployment.ts')
        return answerDeployment(settings, address, task, answer, uncertainAttempts)
      }
      const { answerCommit } = await import('./check.ts')
      return answerCommit(settings, address, task, answer, uncertainAttempts)
    },

    async check() {
      const { checkApp } = await import('./check-app.ts')
      await checkApp(settings)
    },
  }
}

/** @throws Failure `invalid` unless GitHub has signed the call: any other sender could choose what is approved */
function parseDeployment({ event, replyTo }: InteractiveCall): AnswerableCall {
  const errors = idErrors(event)
  if (replyTo === undefined)
    errors.push({
      path: 'orchestrator',
      message: 'must be called by GitHub, whose webhook has ?orchestrator=<name>. Other callers need "report": "check"',
    })
  if (event.id === undefined || replyTo === undefined) throw invalid(errors)
  return {
    ...originOf(event),
    id: event.id,
    replyTo,
    isDetailed: true,
    maxDeadline: MAX_DEPLOYMENT_SECONDS,
    maxProgress: MAX_PROGRESS,
  }
}

/** GitHub has signed the call, or another caller names a commit. */
function parseCheck(settings: GitHubSettings, { event, body, replyTo }: InteractiveCall): AnswerableCall {
  const errors = idErrors(event)
  const address = replyTo ?? commitOf(settings, body, errors)
  if (event.id === undefined || address === undefined || errors.length > 0) throw invalid(errors)
  return { ...originOf(event), id: event.id, replyTo: address, maxDeadline: MAX_CHECK_SECONDS }
}

function idErrors({ id }: CallEvent): FieldError[] {
  if (id !== undefined) return []
  return [{ path: 'id', message: 'is required, so that a repeat of the call is the same task: send id, or ?key=<id>' }]
}

function commitOf(settings: GitHubSettings, body: object, errors: FieldError[]): string | undefined {
  const read = z.safeParse(commit, body)
  for (const { path } of read.error?.issues ?? []) {
    const [field = ''] = path.map(String)
    errors.push({ path: field, message: COMMIT_FIELDS[field] ?? 'is not valid' })
  }
  if (!read.success) return undefined
  if (!isAllowedRepository(settings, read.data.repository))
    errors.push({ path: 'repository', message: 'must be one of "repositories" of the orchestrator' })
  return JSON.stringify(read.data satisfies CommitAddress)
}

function invalid(errors: FieldError[]): Failure {
  return invalidFields(errors)
}

/** The fields of a call that is not from GitHub. */
const commit = z.object({
  repository: z.string().check(z.regex(repository.pattern)),
  sha: z.string().check(z.regex(/^[0-9a-f]{40}$/)),
})
const COMMIT_FIELDS: Record<string, string> = {
  repository: `is required: ${repository.example}`,
  sha: 'is required: the full SHA of the commit, 40 hexadecimal digits',
}
