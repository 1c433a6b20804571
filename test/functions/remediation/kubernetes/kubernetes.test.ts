import { describe, expect, test } from '@jest/globals'
import { kubernetes } from '../../../../functions/remediation/kubernetes/kubernetes.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../../helpers.ts'
import { Job } from '../../job.ts'
import { rollbackActions, runbookActions } from '../../job-actions.ts'
import { jobRow, startKubernetesDeployments } from './fake.ts'

const server = startEach(startKubernetesDeployments)
const at = () => ({ baseUrl: server.url, token: server.token, namespace: 'shop', targets: ['*'] })
const runbook = () => new Job(kubernetes, runbookActions, at)
const rollback = () => new Job(kubernetes, rollbackActions, at)
const deployment = () => server.state.deployment
const restart = { target: 'restart/checkout' }
const toFive = { target: 'scale/checkout', parameters: { replicas: '5' } }
const images = () => deployment().spec.template.spec

jobConformance(kubernetes, runbookActions, jobRow, {
  states: {
    running: ['Progressing'],
    pass: ['Complete'],
    fail: ['ProgressDeadlineExceeded'],
    errored: ['Paused', 'Replaced'],
  },
  // The states are derived from counters and conditions.
  unknownStates: [],
  unsupported: ['project'],
  invalidStarts: [
    {
      name: 'another verb',
      input: { target: 'delete/checkout' },
      message: 'input.target must be restart/<deployment> or scale/<deployment>',
    },
    {
      name: 'a number for a restart',
      input: { parameters: { replicas: 5 } },
      message: 'input.parameters.replicas must be a number',
    },
    {
      name: 'a scale without a number',
      input: { target: 'scale/checkout' },
      message: 'input.parameters.replicas must be a number',
    },
    {
      name: 'another parameter',
      input: { parameters: { image: 'x' } },
      message: 'input.parameters.image is not supported',
    },
  ],
  forbidden: [
    {
      name: 'another deployment',
      input: { target: 'restart/payments' },
      message: 'is not in targets of the connection',
      connection: { targets: ['restart/checkout'] },
    },
    {
      name: 'another change',
      input: toFive,
      message: 'is not in targets of the connection',
      connection: { targets: ['restart/*'] },
    },
    {
      name: 'a scale of another deployment',
      input: { ...toFive, target: 'scale/payments' },
      message: 'is not in targets of the connection',
      connection: { targets: ['restart/*', 'scale/checkout'] },
    },
  ],
  reports: [
    {
      name: 'the updated pods',
      change: ({ enter }) => enter('Progressing'),
      reported: { progress: '1 of 3 pods updated, 2 available' },
    },
    {
      name: 'why a rollout has failed',
      change: ({ enter }) => enter('ProgressDeadlineExceeded'),
      reported: { message: expect.stringContaining('has timed out progressing. 1 of 3 pods updated, 2 available') },
    },
  ],
  failedChecks: [
    {
      reason: 'may not patch deployments, patch deployments/scale in the namespace shop',
      change: withState({ missing: ['patch deployments', 'patch deployments/scale'] }),
    },
  ],
  refused: [
    { name: 'an unknown deployment', input: { target: 'restart/nope' }, reason: '"nope" not found' },
    {
      name: 'a scale that an autoscaler would undo',
      change: withState({ autoscaler: 'checkout-hpa' }),
      reason: 'The autoscaler checkout-hpa sets the number of pods',
      input: toFive,
    },
  ],
})

test('Kubernetes: a restart waits until the controller has seen the change', async () => {
  const started = await runbook().start(restart)
  expect(deployment().status).toMatchObject({ observedGeneration: 5, updatedReplicas: 3 })
  expect(await runbook().poll(started, restart)).toMatchObject({ status: 'Progressing' })
})

test('Kubernetes: a scale sets the number of pods and reports the one before', async () => {
  const started = await runbook().start(toFive)
  expect(deployment().spec.replicas).toBe(5)
  expect(await runbook().poll(started, toFive)).toMatchObject({ status: 'Progressing' })
  server.enter('Complete')
  expect(await runbook().end(started, toFive)).toMatchObject({ result: 'pass', data: { before: 3, replicas: 5 } })
})

test('Kubernetes: a scale that another change has replaced is errored', async () => {
  const started = await runbook().start(toFive)
  deployment().spec.replicas = 4
  const { message } = await runbook().end(started, toFive)
  expect(message).toContain('Another change has replaced this one')
})

describe('Kubernetes: rollback', () => {
  const input = { target: 'checkout' }

  test.each([
    [undefined, 'shop:1.2'],
    ['1', 'shop:1.1'],
  ])('restores the revision before, or revision %s', async (ref, image) => {
    const started = await rollback().start({ ...input, ref })
    expect(deployment().spec.template).toEqual({
      metadata: { labels: { app: 'checkout' } },
      spec: { containers: [{ name: 'checkout', image }] },
    })
    server.enter('Complete')
    expect(await rollback().end(started, input)).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  test('that is retried after a lost response is not repeated', async () => {
    server.loseNext('PATCH')
    expect(await failureOf(rollback().start(input))).toMatchObject({ transient: true, mayHaveWritten: true })
    await rollback().start(input, { isRetry: true })
    expect(images()).toEqual({ containers: [{ name: 'checkout', image: 'shop:1.2' }] })
    await rollback().start(input, { key: keyOf(2) })
    expect(images()).toEqual({ containers: [{ name: 'checkout', image: 'shop:1.3' }] })
    expect(server.state.rollouts).toBe(2)
  })

  test('without such a revision is refused with the stored ones', async () => {
    await expectFailure(
      rollback().start({ ...input, ref: '9' }),
      'refused',
      'no revision 9. Stored revisions: 3, 2, 1.',
    )
  })

  test.each([[{ ref: 'v1' }], [{ target: 'a/b' }], [{ parameters: { replicas: 1 } }]])('refuses %j', async (more) => {
    await expectFailure(rollback().start({ ...input, ...more }), 'invalid')
  })
})
