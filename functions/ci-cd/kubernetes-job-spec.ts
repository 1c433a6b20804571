import * as z from 'zod/mini'
import type { Http } from '../../shared/http/client.ts'
import { resourcePath } from '../../shared/vendors/kubernetes.ts'

export const BATCH = 'apis/batch/v1'
/** Longer than a repeated call finds its run. */
const TTL_SECONDS = 100_000

/** Only the parts that are changed. The others are copied. */
const cronJob = z.object({
  spec: z.object({
    jobTemplate: z.object({
      spec: z.looseObject({
        template: z.looseObject({
          spec: z.looseObject({ containers: z.array(z.looseObject({ env: z.nullish(z.array(z.unknown())) })) }),
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

interface Variable {
  name: string
  value: string
}

export function imageOf(target: string, ref: string | undefined): string {
  return ref === undefined ? target : `${target}:${ref}`
}

/** Returns the spec of a job that runs an image once. */
export function specOf(at: ImageOptions, image: string, env: Variable[]): object {
  const { command, args, serviceAccount, secrets = [], timeoutSeconds } = at
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

/** Returns the spec of the jobs of a CronJob, with more environment variables. */
export async function specOfTemplate(http: Http, namespace: string, name: string, env: Variable[]): Promise<object> {
  const path = resourcePath(BATCH, namespace, 'cronjobs', name)
  const { spec } = (await http.get(path, { schema: cronJob })).body.spec.jobTemplate
  const names = env.map((one) => one.name)
  const pod = spec.template.spec
  const containers = pod.containers.map((container) => {
    const own = (container.env ?? []).filter((one) => !names.includes((one as Variable).name))
    return { ...container, env: [...own, ...env] }
  })
  return { ttlSecondsAfterFinished: TTL_SECONDS, ...spec, template: { ...spec.template, spec: { ...pod, containers } } }
}
