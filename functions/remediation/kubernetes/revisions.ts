import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import type { Http } from '../../../shared/http/client.ts'
import { resourcePath } from '../../../shared/vendors/kubernetes.ts'

const template = z.looseObject({
  metadata: z.nullish(z.looseObject({ labels: z.nullish(z.record(z.string(), z.string())) })),
})
const replicaSets = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        annotations: z.nullish(z.record(z.string(), z.string())),
        ownerReferences: z.nullish(z.array(z.object({ uid: z.string() }))),
      }),
      spec: z.object({ template }),
    }),
  ),
})

const REVISION = 'deployment.kubernetes.io/revision'

/**
 * Returns the pod template of the previous revision of a deployment, or of the revision with a number. Kubernetes has no
 * operation for that.
 *
 * @throws Failure `refused` if there is no such revision
 */
export async function previousTemplate(
  http: Http,
  namespace: string,
  { uid, annotations }: { uid: string; annotations?: Record<string, string> | null | undefined },
  revision: string | undefined,
): Promise<object> {
  const current = Number(annotations?.[REVISION] ?? 0)
  const { items } = (await http.get(resourcePath('apis/apps/v1', namespace, 'replicasets'), { schema: replicaSets }))
    .body
  const revisions = items
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
    .map(({ metadata, spec }) => ({ number: Number(metadata.annotations?.[REVISION] ?? 0), template: spec.template }))
    .toSorted((a, b) => b.number - a.number)
  const found = revisions.find(({ number }) =>
    revision === undefined ? number < current : number === Number(revision),
  )
  if (!found) {
    const known = revisions.map(({ number }) => number).join(', ') || 'none'
    throw refused(`There is no revision ${revision ?? `before ${current}`}. Stored revisions: ${known}.`)
  }
  const { 'pod-template-hash': _, ...labels } = found.template.metadata?.labels ?? {}
  return { ...found.template, metadata: { ...found.template.metadata, labels } }
}
