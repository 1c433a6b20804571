import { afterAll, expect, it } from '@jest/globals'
import { startHcpTerraform } from '../functions/ci-cd/hcp-terraform/fake.ts'
import { startNtfy } from '../functions/notification/ntfy/fake.ts'
import { Service, triggered } from './service.ts'

const terraform = await startHcpTerraform()
const inbox = await startNtfy()
const connections = {
  'ci-cd/terraform': {
    provider: 'hcp-terraform',
    baseUrl: `${terraform.url}/api/v2`,
    token: terraform.token,
    project: 'acme',
  },
  'notification/inbox': {
    provider: 'ntfy',
    baseUrl: inbox.url,
    token: inbox.token,
    channel: inbox.writable[0],
  },
}
const secrets = Object.entries(connections).map(([name, value]) => [
  `cloud-automation-webhooks/connections/${name}`,
  value,
])
const service = new Service({ timeScale: 60, secrets: Object.fromEntries(secrets) })
await service.start()
afterAll(async () => {
  await service.end()
  await inbox.close()
  await terraform.close()
})

/** Sends a triggered event. `act` does what makes its task end. Returns the finished event. */
async function runTask(path: string, task: string, event: object, act: () => Promise<void>) {
  const sent = triggered({ type: `sh.keptn.event.${task}.triggered`, ...event })
  const response = await service.call(`/v1/${path}&mode=interactive&sendStarted=true`, sent)
  expect(response).toMatchObject({ status: 202 })
  await act()
  const { finished } = await service.finishedOf(sent.id)
  expect(finished).toHaveLength(1)
  return finished[0] ?? {}
}
const runs = () => terraform.state.runs
const confirmations = () => terraform.calls.filter(({ path }) => path.endsWith('/actions/apply'))

it('a plan is shown, approved by a person and applied once', async () => {
  const planned = await runTask(
    'ci-cd/trigger-deployment?connection=terraform',
    'plan',
    { input: { target: 'plan/shop-network' } },
    async () => {
      await service.until(() => runs().length === 1, 'the plan')
      terraform.enter('planned')
    },
  )
  expect(planned).toMatchObject({ result: 'pass', plan: { additions: 2, changes: 1, destructions: 0 } })
  expect(confirmations()).toEqual([])

  const plan = planned['plan'] as { id: string }
  const message = planned['message'] as string
  const approved = await runTask(
    'notification/ask-approval?connection=inbox',
    'sign-off',
    { data: { ...triggered().data, result: 'pass', plan }, input: { question: message } },
    async () => {
      const link = () => inbox.messages.find(({ click }) => click?.includes('/approvals/'))?.click
      await service.until(() => link(), 'the question')
      expect(JSON.stringify(inbox.messages)).toContain('2 additions, 1 changes, 0 destructions')
      const body = new URLSearchParams({ name: 'Jane Doe', decision: 'approve' })
      expect(await fetch(link() ?? '', { method: 'POST', body })).toMatchObject({ status: 200 })
    },
  )
  expect(approved).toMatchObject({ result: 'pass' })

  const applied = await runTask(
    'ci-cd/trigger-deployment?connection=terraform',
    'deployment',
    { input: { target: `apply/${plan.id}` } },
    async () => {
      await service.until(() => confirmations().length > 0, 'the confirmation')
      terraform.enter('applied')
    },
  )
  expect(applied).toMatchObject({ result: 'pass', deployment: { id: plan.id, state: 'applied' } })
  expect(runs()).toHaveLength(1)
  expect(confirmations()).toHaveLength(1)
})
