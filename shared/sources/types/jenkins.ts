import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

const path = z.string().check(z.maxLength(1_000))
/** A step of a pipeline sends the first three fields, the Notification plugin `url` and `build`, the Generic Event plugin the others. */
const body = z.object({
  job: optional(path),
  number: optional(eventId),
  result: z.nullish(eventWord),
  url: optional(path),
  build: optional(z.object({ number: eventId, queue_id: optional(eventId), phase: eventWord })),
  type: optional(eventWord),
  source: optional(path),
  data: z.nullish(z.object({ number: optional(eventId), queueId: optional(eventId) })),
})

const BODY =
  'groovy.json.JsonOutput.toJson([job: env.JOB_NAME, number: env.BUILD_NUMBER as int, result: currentBuild.currentResult])'

/** Jenkins has no webhooks of its own: a step or a plugin sends them. */
export const jenkins = defineSourceType({
  title: 'Jenkins',
  token: ['bearer', 'query'],
  basic: true,
  body,
  read({ job, number, result, url, build, type, source, data }) {
    if (type !== undefined)
      return {
        event: type,
        runs: runsOf(jobIn(source), data?.number, data?.queueId),
        ended: type === 'run.finalized',
      }
    // The phase COMPLETED comes before the steps that follow a build.
    if (build)
      return {
        event: build.phase,
        runs: runsOf(jobIn(url), build.number, build.queue_id),
        ended: build.phase === 'FINALIZED',
      }
    return { event: result ?? 'unknown', runs: runsOf(job, number, undefined), ended: job !== undefined }
  },
  setup: [
    {
      token: `Best, for each pipeline: add the token {secret} to the credentials of Jenkins as secret text with the id webhooks-token, and this block to the Jenkinsfile (HTTP Request plugin):
post { always { catchError(buildResult: null, stageResult: null) {
  withCredentials([string(credentialsId: 'webhooks-token', variable: 'TOKEN')]) {
    httpRequest httpMode: 'POST', url: '{url}', contentType: 'APPLICATION_JSON', timeout: 10, validResponseCodes: '100:599',
      customHeaders: [[name: 'Authorization', value: "Bearer \${TOKEN}", maskValue: true]],
      requestBody: ${BODY}
} } } }`,
      password: `For each pipeline: add the username {user} and the password {secret} to the credentials of Jenkins with the id webhooks-password, and this block to the Jenkinsfile (HTTP Request plugin):
post { always { catchError(buildResult: null, stageResult: null) {
  httpRequest httpMode: 'POST', url: '{url}', contentType: 'APPLICATION_JSON', timeout: 10, validResponseCodes: '100:599',
    authentication: 'webhooks-password',
    requestBody: ${BODY}
} } }`,
    },
    {
      token:
        'Or, for all jobs of the server: install the Generic Event plugin, and enter {url}?token={secret} at Manage Jenkins > System > Event Dispatcher > Event Receiver.',
    },
  ],
})

/** Returns the full name of a job: `folder/name` for `job/folder/job/name/`. */
function jobIn(url = ''): string | undefined {
  const names = [...url.matchAll(/(?:^|\/)job\/([^/]+)/g)].map(([, name = '']) => name)
  try {
    return names.length > 0 ? names.map(decodeURIComponent).join('/') : undefined
  } catch {
    // Not a URL of Jenkins.
    return undefined
  }
}

/** A run is stored as a queue item until it has a number. */
function runsOf(job: string | undefined, number: string | undefined, queueId: string | undefined): string[] {
  if (job === undefined) return []
  return [
    ...(number === undefined ? [] : [`${job}#${number}`]),
    ...(queueId === undefined ? [] : [`${job}#queue-${queueId}`]),
  ]
}
