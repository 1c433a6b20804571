import { join } from 'node:path'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import type { Service } from '../../e2e/service.ts'
import type { Setting, Timeline } from './example.ts'
import { commandsOf, FOLDER, runCli } from './files.ts'

/** Someone sends the call in the README, for which policy.yaml requires an approval. */
export async function lambdaDurableApproval(): Promise<Setting> {
  const path = 'lambda-durable-approval-cdk'
  const [send = []] = commandsOf(`${path}/README.md`).filter(([verb]) => verb === 'send')

  const run = async (service: Service, timeline: Timeline) => {
    timeline.say('pipeline', `npx webhooks ${send.join(' ')}`)
    const sent = runCli([...send, '--url', service.url, '--token', demo.callerToken])
    const request = async () => (await service.list('messages')).find(({ buttons = [] }) => buttons.length > 0)
    await service.until(request, 'the request for an approval')
    await timeline.received()
    const before = (await service.list('runs')).length
    const asked = await request()
    timeline.say('slack', `shows ${asked.text}`)
    timeline.say('jane', 'clicks Approve')
    await service.press(asked, 'approve', 'jane')
    const [, verdict] = /"verdict": "(\w+)"/.exec(await sent) ?? []
    return `runs before the approval: ${before}, runs: ${(await service.list('runs')).length}, verdict: ${verdict}`
  }

  return {
    options: { policyFile: join(FOLDER, path, 'policy.yaml') },
    scenarios: [
      {
        title: 'A person approves the deployment',
        run,
        expected: 'runs before the approval: 0, runs: 1, verdict: pass',
      },
    ],
  }
}
