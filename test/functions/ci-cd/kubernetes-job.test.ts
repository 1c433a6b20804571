import '../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { kubernetesJob } from '../../../functions/ci-cd/providers/kubernetes-job.ts'
import { startKubernetes } from '../../../infra/platforms/kubernetes.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, keyOf, startEach } from '../helpers.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startKubernetes)
const target = 'ghcr.io/acme/smoke:1.4.2'
const images = ['ghcr.io/acme/smoke:*', 'cronjob/smoke', 'cronjob/nope']
const connected = (fields: object = {}) =>
  new Pipeline(kubernetesJob, () => ({
    baseUrl: server.url,
    token: server.token,
    namespace: 'shop',
    images,
    ...fields,
  }))
const job = () => {
  const [found] = server.state.jobs
  if (!found) throw new Error('No job')
  return found
}

jobConformance(kubernetesJob, pipelineActions, ciCdPlatforms['kubernetes-job'], {
  states: {
    running: ['Pending', 'Running', 'Suspended', 'SuccessCriteriaMet', 'FailureTarget', 'Terminating'],
    pass: ['Complete'],
    fail: [
      ...['Failed', 'BackoffLimitExceeded', 'DeadlineExceeded', 'PodFailurePolicy'],
      ...['FailedIndexes', 'MaxFailedIndexesExceeded'],
    ],
    aborted: ['Deleted'],
  },
  otherStates: ['Stuck'],
  // The condition Failed ends a job for any reason.
  unknownStates: [],
  invalidStarts: [
    ['a project', { project: 'shop' }, 'input.project is not supported by Kubernetes'],
    ['a version of a CronJob', { target: 'cronjob/smoke', ref: '1' }, 'input.ref is only for images'],
    ['an invalid image', { target: 'a b' }, 'input.target must be an image or cronjob/<name>'],
    ['an invalid name', { parameters: { 'a-b': 'x' } }, 'input.parameters.a-b is not a valid name'],
  ],
  forbidden: [
    ['another image', { target: 'evil/miner:1' }, 'input.target evil/miner:1 is not in images of the connection'],
    ['a variable that runs code', { parameters: { LD_PRELOAD: 'x' } }, 'input.parameters.LD_PRELOAD'],
    ['a variable of Kubernetes', { parameters: { KUBERNETES_SERVICE_HOST: 'x' } }, 'KUBERNETES_SERVICE_HOST'],
  ],
  invalidIds: [['payments', 'wh-', 'wh-x/y', 'WH-1'], 'must be the name of a job that a call has created'],
})

describe('Kubernetes job: start', () => {
  test('runs an image once, with parameters as environment variables, and deletes it after a day', async () => {
    const fields = { args: ['--all'], serviceAccount: 'smoke', secrets: ['smoke-api'], timeoutSeconds: 600 }
    const parameters = { URL: 'https://shop.example.com', RETRIES: 3 }
    const { outcome } = await connected(fields).start({ target: 'ghcr.io/acme/smoke', ref: '1.4.2', parameters })
    expect(outcome.data['id']).toBe(`wh-${keyOf(1)}`)
    expect(job()).toMatchObject({
      metadata: { name: `wh-${keyOf(1)}`, annotations: { 'cloud-automation-webhooks/key': keyOf(1) } },
      spec: {
        ...{ backoffLimit: 0, activeDeadlineSeconds: 600, ttlSecondsAfterFinished: 100_000 },
        template: {
          spec: {
            restartPolicy: 'Never',
            serviceAccountName: 'smoke',
            containers: [
              {
                image: target,
                args: ['--all'],
                env: [
                  { name: 'URL', value: 'https://shop.example.com' },
                  { name: 'RETRIES', value: '3' },
                ],
                envFrom: [{ secretRef: { name: 'smoke-api' } }],
              },
            ],
          },
        },
      },
    })
  })

  test('runs the template of a CronJob, whose variables the parameters replace', async () => {
    await connected().start({ target: 'cronjob/smoke', parameters: { STAGE: 'production' } })
    const env = [
      { name: 'KEEP', value: 'yes' },
      { name: 'STAGE', value: 'production' },
    ]
    expect(job().spec).toMatchObject({
      backoffLimit: 2,
      template: { spec: { volumes: [{ name: 'tmp' }], containers: [{ image: 'ghcr.io/acme/smoke:stable', env }] } },
    })
    await expectFailure(connected().start({ target: 'cronjob/nope' }, { key: keyOf(2) }), 'refused', '"nope" not found')
  })
})

describe('Kubernetes job: end', () => {
  test('a failed job reports its exit code and the end of its log', async () => {
    const started = await connected().start({ target })
    server.state.log = `${'line\n'.repeat(1_000)}GET /cart: 500\nsmoke test failed\n`
    server.fail(1)
    const outcome = await connected().end(started, { target })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', data: { exitCode: 1 } })
    expect(outcome.message).toMatch(/Exit code 1: .*GET \/cart: 500 \| smoke test failed/)
    expect(server.calls.at(-1)?.query.get('tailLines')).toBe('20')
  })

  test.each([
    [99, 'succeeded'],
    [107, 'errored'],
  ])('the exit code %d ends the task as %s', async (exitCode, status) => {
    const at = connected({ erroredExitCodes: [107] })
    const started = await at.start({ target })
    server.fail(exitCode)
    expect(await at.end(started, { target })).toMatchObject({ status, result: 'fail', data: { exitCode } })
  })

  test('a log that may not be read does not hide the exit code', async () => {
    const started = await connected().start({ target })
    server.state.mayReadLogs = false
    server.fail(137, 'OOMKilled')
    expect((await connected().end(started, { target })).message).toContain('Exit code 137 (OOMKilled)')
  })

  test('a completed job reports its duration, which thresholds can use', async () => {
    const input = { target, thresholds: [{ metric: 'duration', op: '<' as const, value: 60 }] }
    const started = await connected().start(input)
    server.enterJob('Complete')
    const outcome = await connected().end(started, input)
    expect(outcome).toMatchObject({ result: 'fail', data: { duration: 120 } })
  })

  test('a job whose image cannot be pulled is errored after ten minutes', async () => {
    const started = await connected().start({ target })
    server.enterJob('Pending')
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' }
    server.state.containers = [{ name: 'job', state: { waiting } }]
    const poll = (startedAt: number) =>
      connected().poll({ ...started, job: { ...(started.job as object), startedAt } }, { target })
    expect(await poll(Date.now())).toMatchObject({
      progress: expect.stringContaining('ImagePullBackOff: Back-off pulling image'),
    })
    expect(await poll(Date.now() - 700_000)).toMatchObject({
      outcome: { status: 'errored', message: expect.stringContaining('No pod could start: ImagePullBackOff') },
    })
  })
})

describe('Kubernetes job: connection', () => {
  test('the check names every missing permission', async () => {
    server.state.missing = ['create jobs', 'get pods/log']
    const words = 'may not create jobs, get pods/log in the namespace shop'
    await expectFailure(kubernetesJob.check(connected().client()), 'refused', words)
  })

  test('requires credentials', async () => {
    const check = Promise.resolve().then(() => kubernetesJob.check(connected({ token: undefined }).client()))
    await expectFailure(check, 'misconfigured', 'Add token, or cluster for Amazon EKS')
  })

  test('signs in to Amazon EKS with the role of the function', async () => {
    server.calls.length = 0
    const at = connected({ token: undefined, cluster: 'shop', region: 'eu-west-1' })
    await expectFailure(Promise.resolve(kubernetesJob.check(at.client())), 'credentials')
    const [, sent = ''] = /^Bearer k8s-aws-v1\.(.+)$/.exec(String(server.calls[0]?.headers['authorization'])) ?? []
    const url = new URL(Buffer.from(sent, 'base64url').toString())
    expect(url.host).toBe('sts.eu-west-1.amazonaws.com')
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      Action: 'GetCallerIdentity',
      'X-Amz-Expires': '60',
      'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })
})
