import { describe, expect, test } from '@jest/globals'
import { hcpTerraform } from '../../../../functions/ci-cd/hcp-terraform/hcp-terraform.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const plan = { target: 'plan/shop-network' }

const account = 'GET /api/v2/account/details'

const { server, connected } = jobConformance(hcpTerraform, pipelineActions, jobRow, {
  states: vendorStates(listedStates, {
    running: [
      'fetching_completed',
      'pre_plan_completed',
      'pre_plan_awaiting_decision',
      'plan_queued',
      'planned',
      'tf_policy_checked',
      'tf_policy_override',
      'post_plan_awaiting_decision',
      'post_plan_completed',
      'cost_estimated',
      'policy_override',
      'policy_checked',
      'planned_and_saved',
      'confirmed',
      'pre_apply_completed',
      'queuing_apply',
      'apply_queued',
      'post_apply_completed',
    ],
    pass: ['applied', 'planned_and_finished', 'assessed'],
    fail: ['errored', 'policy_soft_failed'],
    aborted: ['discarded', 'force_canceled'],
  }),
  invalidStarts: [
    {
      name: 'another target',
      input: { target: 'shop-network' },
      message: 'input.target must be run/<workspace>, plan/<workspace> or apply/',
    },
    { name: 'a version', input: { ref: 'main' }, message: 'input.ref is not supported by HCP Terraform' },
    { name: 'an invalid organization', input: { project: 'a/b' }, message: 'input.project must look like acme' },
    {
      name: 'an invalid variable',
      input: { parameters: { 'a b': 1 } },
      message: 'input.parameters.a b is not a valid name',
    },
    {
      name: 'variables of a plan',
      input: { target: 'apply/run-1', parameters: { a: 1 } },
      message: 'input.parameters must be omitted',
    },
  ],
  refused: [
    { name: 'an unknown workspace', input: { target: 'run/other' }, reason: 'not found' },
    {
      name: 'an undeclared variable',
      input: { parameters: { undeclared: 1 } },
      reason: 'Variable undeclared is not declared',
    },
  ],
  reports: [
    {
      name: 'a plan that thresholds limit',
      change: ({ enter }) => enter('planned'),
      reported: { result: 'fail', message: expect.stringContaining('additions is 2, not < 2') },
      input: { ...plan, thresholds: [{ metric: 'additions', op: '<', value: 2 }] },
    },
    {
      name: 'that its plan waits for a confirmation',
      change: ({ enter }) => enter('planned'),
      reported: { progress: 'the plan waits for a confirmation' },
    },
  ],
  url: '/app/acme/workspaces/shop-network/runs/run-1',
  check: [account],
  checks: [
    {
      connection: { target: 'plan/shop-network' },
      requests: [account, 'GET /api/v2/organizations/acme/workspaces/shop-network'],
    },
  ],
  measures: {
    end: (fake) => fake.enter('applied'),
    metrics: { additions: 2, changes: 1, destructions: 0, imports: 0 },
  },
  slowStop: { state: 'planning', change: withState({ cancelsLate: true }) },
  refusedStops: [{ change: withState({ isBusy: true }), reason: ' yet', kind: 'platform' }],
  invalidIds: { ids: ['1', 'ws-1', 'run-1/x'], message: 'must be the id of a run' },
  refusal: (detail) => ({ errors: [{ status: '400', title: 'bad request', detail }] }),
})

describe('HCP Terraform', () => {
  test('a plan ends when it waits for a confirmation, and apply confirms it once', async () => {
    const started = await connected().start(plan)
    expect(newestOf(server.state.runs).asked).toMatchObject({ 'auto-apply': false })
    server.enter('planning')
    expect(await connected().poll(started, plan)).toMatchObject({ status: 'planning' })
    server.enter('planned')
    const planned = await connected().end(started, plan)
    expect(planned).toMatchObject({ status: 'succeeded', result: 'pass', data: { id: 'run-1', additions: 2 } })
    expect(planned.message).toContain('ended as planned: 2 additions, 1 changes, 0 destructions')

    const apply = { target: `apply/${planned.data['id']}` }
    const applying = await connected().start(apply)
    expect(newestOf(server.state.runs).status).toBe('apply_queued')
    server.enter('applied')
    await connected().start(apply, { isRetry: true })
    expect(await connected().end(applying, apply)).toMatchObject({ result: 'pass', data: { state: 'applied' } })
    const confirmations = server.calls.filter(({ path }) => path.endsWith('/actions/apply'))
    expect(confirmations).toHaveLength(1)
  })

  test('refuses to confirm a run that does not wait for it', async () => {
    await connected().start(plan)
    server.enter('discarded')
    const refusal = 'run-1 cannot be confirmed: its status is discarded'
    await expectFailure(connected().start({ target: 'apply/run-1' }), 'refused', refusal)
  })

  test('a plan that is canceled is discarded', async () => {
    const started = await connected().start(plan)
    server.enter('planned')
    await connected().stop({ id: 'run-1' })
    expect(await connected().end(started, plan)).toMatchObject({ status: 'aborted', data: { state: 'discarded' } })
  })

  test('sends parameters as HCL, and applies automatically if the connection says so', async () => {
    const parameters = { region: `eu-\${var.x}%{if`, count: 2, zones: ['a'] }
    await connected({ autoApply: 'on' }).start({ target: 'run/shop-network', parameters })
    expect(newestOf(server.state.runs).asked).toMatchObject({
      'auto-apply': true,
      variables: [
        { key: 'region', value: `"eu-$\${var.x}%%{if"` },
        { key: 'count', value: '2' },
        { key: 'zones', value: '["a"]' },
      ],
    })
  })
})
