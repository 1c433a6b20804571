import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import { onOff, optional } from '../../../shared/fields.ts'
import type { Run, StartJob } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { validate } from '../../../shared/validate.ts'
import {
  type Application,
  application,
  checkApplication,
  type Deployment,
  nameOf,
  pageOf,
  pathOf,
  read,
  revisionsOf,
  transientIfBusy,
} from './application.ts'

const parameters = z.strictObject({
  prune: optional(onOff('Whether to delete resources that only the later deployment contains')),
})

const MIN_REVISION_LENGTH = 7
const MAX_LISTED = 10

/**
 * Argo CD: rolls an application back to a deployment in its history, with the source of that time. The request cannot carry an
 * idempotency key, so a rollback whose response is lost cannot be identified later.
 *
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/commands/argocd_app_rollback/
 */
export const rollback = {
  checkStart(input: StartJob): void {
    checkApplication(input.target)
    parametersOf(input)
  },

  async start({ http }: Client, input: StartJob): Promise<Run> {
    const { target, project, ref } = input
    const found = await read(http, { application: target, project })
    const deployment = ref === undefined ? deploymentBefore(found, target) : deploymentOf(found, target, ref)
    const body = { ...nameOf(target), project, id: deployment.id, ...parametersOf(input) }
    const revisions = revisionsOf(deployment)
    try {
      await http.post(`${pathOf(target)}/rollback`, body, { schema: application })
    } catch (error) {
      // When another operation ends, the previous deployment is no longer the one that the caller meant.
      throw ref === undefined ? error : transientIfBusy(error)
    }
    return {
      id: `${target}#rollback-${deployment.id}`,
      url: pageOf(http, found),
      summary: `to deployment ${describeDeployment(deployment)}`,
      providerState: { project, revisions, before: found.status?.operationState?.startedAt ?? null },
    }
  },
}

function parametersOf({ parameters: values = {} }: StartJob): { prune?: boolean } {
  const path = 'input.parameters'
  const { prune } = validate(parameters, values, { what: path, root: path, isNullUnset: true })
  return prune ? { prune: prune === 'on' } : {}
}

/** Returns the newest deployment with this id or revision. Throws Failure `refused`. */
function deploymentOf(found: Application, target: string, ref: string): Deployment {
  const history = found.status?.history ?? []
  const isRevision = (revision: string) =>
    revision === ref || (ref.length >= MIN_REVISION_LENGTH && revision.startsWith(ref))
  const deployment =
    history.find(({ id }) => String(id) === ref) ?? history.findLast((entry) => revisionsOf(entry).some(isRevision))
  if (deployment) return deployment
  const known = history.slice(-MAX_LISTED).map(describeDeployment).join(', ') || 'none'
  throw refused(`${target} has no deployment ${ref} in its history. Its deployments: ${known}.`)
}

/**
 * Returns the deployment that precedes the first deployment of the current content. So a second rollback goes back further
 * instead of forward to the content that the first one replaced. A failed sync is not in the history but has changed the
 * content.
 *
 * @throws Failure `refused`
 */
function deploymentBefore({ status }: Application, target: string): Deployment {
  const history = status?.history ?? []
  const last = history.at(-1)
  const current = failedContent(status) ?? last
  const first = history.findIndex((entry) => current && contentKey(entry) === contentKey(current))
  const before = first < 0 ? last : history[first - 1]
  if (before) return before
  throw refused(`${target} has no earlier deployment in its history. Set input.ref to a deployment or a revision.`)
}

type Content = Omit<Deployment, 'id' | 'deployedAt'>

function failedContent(status: Application['status']): Content | undefined {
  const { phase = '', operation, syncResult } = status?.operationState ?? {}
  const hasFailed = /^(?:Failed|Error)$/.test(phase) && !operation?.sync?.dryRun
  return hasFailed && syncResult && revisionsOf(syncResult).length > 0 ? syncResult : undefined
}

function contentKey(content: Content): string {
  return JSON.stringify([revisionsOf(content), content.revisions?.length ? content.sources : content.source])
}

/** Returns the id and the revisions, as `argocd app history` shows them. */
function describeDeployment(deployment: Deployment): string {
  return `${deployment.id} (${revisionsOf(deployment).join(', ')})`
}
