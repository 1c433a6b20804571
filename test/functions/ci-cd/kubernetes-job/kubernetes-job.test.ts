import { jobRow } from './fake.ts'
import '../../aws.ts'
import { expect, test } from '@jest/globals'
import { kubernetesJob } from '../../../../functions/ci-cd/kubernetes-job/kubernetes-job.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'

const target = 'ghcr.io/acme/smoke:1.4.2'
const cronJobs = { images: 'cronjob/*' }
const job = () => newestOf(server.state.jobs)

const errored = { erroredExitCodes: [107] }

const { server, connected } = jobConformance(kubernetesJob, pipelineActions, jobRow, {
  states: {
    running: ['Pending', 'Running', 'Suspended', 'SuccessCriteriaMet', 'FailureTarget', 'Terminating'],
    pass: ['Complete'],
    fail: [
      'Failed',
      'BackoffLimitExceeded',
      'DeadlineExceeded',
      'PodFailurePolicy',
      'FailedIndexes',
      'MaxFailedIndexesExceeded',
    ],
    aborted: ['Deleted'],
  },
  otherStates: ['Stuck'],
  failedChecks: [
    { reason: 'Add token, or cluster for Amazon EKS', connection: { token: undefined }, kind: 'misconfigured' },
    {
      reason: 'may not create jobs, get pods/log in the namespace shop',
      change: withState({ missing: ['create jobs', 'get pods/log'] }),
    },
  ],
  // The condition Failed ends a job for any reason.
  unknownStates: [],
  invalidStarts: [
    { name: 'a project', input: { project: 'shop' }, message: 'input.project is not supported by Kubernetes' },
    {
      name: 'a version of a CronJob',
      input: { target: 'cronjob/smoke', ref: '1' },
      message: 'input.ref is only for images',
    },
    { name: 'an invalid image', input: { target: 'a b' }, message: 'input.target must be an image or cronjob/<name>' },
    ...['../evil/miner', './evil', '/evil'].map((path) => ({
      name: `an image outside a prefix of the connection: ${path}`,
      input: { target: `registry.example.com/shop/${path}` },
      message: 'input.target must be an image or cronjob/<name>',
      connection: { images: 'registry.example.com/shop/*' },
    })),
    {
      name: 'an invalid name',
      input: { parameters: { 'a-b': 'x' } },
      message: 'input.parameters.a-b is not a valid name',
    },
  ],
  forbidden: [
    {
      name: 'another image',
      input: { target: 'evil/miner:1' },
      message: 'input.target evil/miner:1 is not in images of the connection',
    },
    {
      name: 'a variable that runs code',
      input: { parameters: { LD_PRELOAD: 'x' } },
      message: 'input.parameters.LD_PRELOAD',
    },
    {
      name: 'a variable of Kubernetes',
      input: { parameters: { KUBERNETES_SERVICE_HOST: 'x' } },
      message: 'KUBERNETES_SERVICE_HOST',
    },
  ],
  reports: [
    {
      name: 'why no node can run its pod',
      change: ({ state, enterJob }) => {
        enterJob('Pending')
        state.podConditions = [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' },
        ]
      },
      reported: { progress: expect.stringContaining('waiting: Unschedulable: 0/3 nodes are available') },
    },
    {
      name: 'the end of a template whose jobs are deleted at once',
      change: ({ enterJob }) => enterJob('Complete'),
      reported: { status: 'succeeded', result: 'pass', data: { state: 'Complete' } },
      input: { target: 'cronjob/smoke' },
      connection: cronJobs,
    },
    {
      name: 'the exit code and the end of the log',
      change: (fake) => {
        fake.state.log = `${'line\n'.repeat(1_000)}GET /cart: 500\nsmoke test failed\n`
        fake.fail(1)
      },
      reported: {
        status: 'succeeded',
        result: 'fail',
        data: { exitCode: 1 },
        message: expect.stringMatching(/Exit code 1: .*GET \/cart: 500 \| smoke test failed/),
      },
    },
    {
      name: 'the exit code if the log may not be read',
      change: (fake) => {
        fake.state.mayReadLogs = false
        fake.fail(137, 'OOMKilled')
      },
      reported: { message: expect.stringContaining('Exit code 137 (OOMKilled)') },
    },
    {
      name: 'an exit code as a failure',
      change: ({ fail }) => fail(99),
      reported: { status: 'succeeded', result: 'fail' },
      connection: errored,
    },
    {
      name: 'an exit code as an error',
      change: ({ fail }) => fail(107),
      reported: { status: 'errored', data: { exitCode: 107 } },
      connection: errored,
    },
  ],
  sends: [
    {
      name: 'values that Kubernetes does not expand',
      input: { parameters: { URL: 'http://evil.example.com/$(DB_PASSWORD)$$' } },
      request: {
        body: {
          spec: {
            template: { spec: { containers: [{ env: [{ value: 'http://evil.example.com/$$(DB_PASSWORD)$$$$' }] }] } },
          },
        },
      },
    },
    {
      name: 'the labels and annotations of a template, for queues such as Kueue',
      input: { target: 'cronjob/smoke' },
      request: {
        body: {
          metadata: {
            labels: {
              'kueue.x-k8s.io/queue-name': 'shop',
              'app.kubernetes.io/managed-by': 'cloud-automation-webhooks',
            },
            annotations: { 'acme.example.com/owner': 'shop', 'cloud-automation-webhooks/key': keyOf(1) },
          },
        },
      },
      connection: cronJobs,
    },
  ],
  measures: { end: ({ enterJob }) => enterJob('Complete'), metrics: { duration: 120 } },
  invalidIds: {
    ids: ['payments', 'wh-', 'wh-x/y', 'WH-1'],
    message: 'must be the name of a job that a call has created',
  },
})

test('Kubernetes job: a start runs an image once, with parameters as environment variables, and deletes it after a day', async () => {
  const fields = { args: ['--all'], serviceAccount: 'smoke', secrets: ['smoke-api'], timeoutSeconds: 600 }
  const parameters = { URL: 'https://shop.example.com', RETRIES: 3 }
  await connected(fields).start({ target: 'ghcr.io/acme/smoke', ref: '1.4.2', parameters })
  expect(job()).toMatchObject({
    metadata: { name: `wh-${keyOf(1)}`, annotations: { 'cloud-automation-webhooks/key': keyOf(1) } },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: 600,
      ttlSecondsAfterFinished: 100_000,
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

test('Kubernetes job: a start runs the template of a CronJob, whose variables the parameters replace', async () => {
  await connected(cronJobs).start({ target: 'cronjob/smoke', parameters: { STAGE: 'production' } })
  const env = [
    { name: 'STAGE', value: 'production' },
    { name: 'KEEP', value: 'yes' },
  ]
  expect(job().spec).toMatchObject({
    backoffLimit: 2,
    template: { spec: { volumes: [{ name: 'tmp' }], containers: [{ image: 'ghcr.io/acme/smoke:stable', env }] } },
  })
  await expectFailure(
    connected(cronJobs).start({ target: 'cronjob/nope' }, { key: keyOf(2) }),
    'refused',
    '"nope" not found',
  )
})

test('Kubernetes job: a job whose image cannot be pulled is errored after ten minutes, and deleted', async () => {
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
  expect(server.state.jobs).toEqual([])
})

test('Kubernetes job: signs in to Amazon EKS with the role of the function', async () => {
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
