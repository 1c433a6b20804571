import * as z from 'zod/mini'
import { Failure } from '../../shared/errors.ts'
import { onOff, optional } from '../../shared/fields.ts'
import type { Run, StartJob } from '../../shared/providers/job.ts'
import type { Client } from '../../shared/providers/provider.ts'
import { validate } from '../../shared/validate.ts'
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
  unlessBusy,
} from './argo-cd-application.ts'

const parameters = z.strictObject({
  prune: optional(onOff('Whether what came with the later deployment is deleted')),
})

const shortestRevision = 7
const mostNamed = 10

/**
 * Argo CD: an application goes back to a deployment of its history, with the source as it was then. Nothing of ours can be
 * put into the request, so one whose answer was lost can not be told from another.
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
      // Once the other has ended, what was before is another deployment than was meant.
      throw ref === undefined ? error : unlessBusy(error)
    }
    return {
      id: `${target}#rollback-${deployment.id}`,
      url: pageOf(http, found),
      summary: `to deployment ${nameIn(deployment)}`,
      providerState: { project, revisions, before: found.status?.operationState?.startedAt ?? null },
    }
  },
}

function parametersOf({ parameters: given = {} }: StartJob): { prune?: boolean } {
  const where = 'input.parameters'
  const { prune } = validate(parameters, given, { what: where, root: where })
  return prune ? { prune: prune === 'on' } : {}
}

/** The newest deployment with this id, or of this revision. Throws Failure `refused`. */
function deploymentOf(found: Application, target: string, ref: string): Deployment {
  const history = found.status?.history ?? []
  const isRevision = (revision: string) =>
    revision === ref || (ref.length >= shortestRevision && revision.startsWith(ref))
  const deployment =
    history.find(({ id }) => String(id) === ref) ?? history.findLast((one) => revisionsOf(one).some(isRevision))
  if (deployment) return deployment
  const known = history.slice(-mostNamed).map(nameIn).join(', ') || 'none'
  throw new Failure('refused', `${target} has no deployment ${ref} in its history: there are ${known}.`)
}

/**
 * The deployment before what is there now was first deployed. So a second rollback goes back further, and not forward to what
 * the first one left. A sync that has failed is not in the history, and has changed what is there all the same.
 *
 * @throws Failure `refused`
 */
function deploymentBefore({ status }: Application, target: string): Deployment {
  const history = status?.history ?? []
  const last = history.at(-1)
  const now = failedIn(status) ?? last
  const first = history.findIndex((one) => now && contentOf(one) === contentOf(now))
  const before = first < 0 ? last : history[first - 1]
  if (before) return before
  throw new Failure('refused', `${target} has nothing in its history from before what is there now: write input.ref.`)
}

type Content = Omit<Deployment, 'id' | 'deployedAt'>

function failedIn(status: Application['status']): Content | undefined {
  const { phase = '', operation, syncResult } = status?.operationState ?? {}
  const hasFailed = /^(?:Failed|Error)$/.test(phase) && !operation?.sync?.dryRun
  return hasFailed && syncResult && revisionsOf(syncResult).length > 0 ? syncResult : undefined
}

function contentOf(content: Content): string {
  return JSON.stringify([revisionsOf(content), content.revisions?.length ? content.sources : content.source])
}

/** As in `argocd app history`: the id, and the revisions. */
function nameIn(deployment: Deployment): string {
  return `${deployment.id} (${revisionsOf(deployment).join(', ')})`
}
