import * as z from 'zod/mini'
import type { Http } from '../../../shared/http/client.ts'
import { resourcePath } from '../../../shared/vendors/kubernetes.ts'
import type { Variable } from '../../../shared/vendors/kubernetes-environment.ts'
import type { NewObject } from '../../../shared/vendors/kubernetes-objects.ts'

export const BATCH = 'apis/batch/v1'
/** Longer than a repeated call finds its run. */
const TTL_SECONDS = 100_000

const texts = z.nullish(z.record(z.string(), z.string()))
const variable = z.looseObject({ name: z.string() })
/** Only the parts that are changed. The others are copied. */
const cronJob = z.object({
  spec: z.object({
    jobTemplate: z.object({
      metadata: z.nullish(z.object({ labels: texts, annotations: texts })),
      spec: z.looseObject({
        ttlSecondsAfterFinished: z.nullish(z.int()),
        template: z.looseObject({
          spec: z.looseObject({ containers: z.array(z.looseObject({ env: z.nullish(z.array(variable)) })) }),
        }),
      }),
    }),
  }),
})

/** The fields of a connection that describe a job of an image. */
interface ImageOptions {
  command?: string[] | undefined
  args?: string[] | undefined
  serviceAccount?: string | undefined
  secrets?: string[] | undefined
  timeoutSeconds: number
}

export function imageOf(target: string, ref: string | undefined): string {
  return ref === undefined ? target : `${target}:${ref}`
}

/** Returns the spec of a job that runs an image once. */
export function specOf(options: ImageOptions, image: string, env: Variable[]): object {
  const { command, args, serviceAccount, secrets = [], timeoutSeconds } = options
  const container = {
    name: 'job',
    image,
    env,
    ...(command ? { command } : {}),
    ...(args ? { args } : {}),
    ...(secrets.length > 0 ? { envFrom: secrets.map((name) => ({ secretRef: { name } })) } : {}),
  }
  return {
    backoffLimit: 0,
    activeDeadlineSeconds: timeoutSeconds,
    ttlSecondsAfterFinished: TTL_SECONDS,
    template: {
      spec: {
        restartPolicy: 'Never',
        ...(serviceAccount ? { serviceAccountName: serviceAccount } : {}),
        containers: [container],
      },
    },
  }
}

/** Returns the metadata and the spec of the jobs of a CronJob, with more environment variables. */
export async function jobOfTemplate(
  http: Http,
  namespace: string,
  name: string,
  env: Variable[],
): Promise<Pick<NewObject, 'metadata' | 'spec'>> {
  const path = resourcePath(BATCH, namespace, 'cronjobs', name)
  const { metadata, spec } = (await http.get(path, { schema: cronJob })).body.spec.jobTemplate
  const pod = spec.template.spec
  const containers = pod.containers.map((container) => {
    // A replaced variable stays in its place, because a variable can refer to earlier ones only.
    const variables = new Map([...(container.env ?? []), ...env].map((variable) => [variable.name, variable]))
    return { ...container, env: [...variables.values()] }
  })
  // A job that is deleted sooner loses its result, and a repeated call would run it again.
  const ttlSecondsAfterFinished = Math.max(spec.ttlSecondsAfterFinished ?? 0, TTL_SECONDS)
  const template = { ...spec.template, spec: { ...pod, containers } }
  return { metadata: metadata ?? {}, spec: { ...spec, ttlSecondsAfterFinished, template } }
}
