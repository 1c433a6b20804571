import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import type { Service } from '../../e2e/service.ts'
import type { Setting } from './example.ts'
import { runNode } from './files.ts'

/** Returns what record.mjs prints about the tools of a runtime. */
export async function recordOf({ url }: Service) {
  const script = 'examples/agent-registry/record.mjs'
  return JSON.parse(await runNode(script, [`${url}/v1/mcp`], { WEBHOOKS_TOKEN: demo.callerToken }))
}

/** record.mjs lists the tools of the runtime. */
export async function agentRegistry(): Promise<Setting> {
  return {
    scenarios: [
      {
        title: 'The record that the registry gets',
        async run(service, timeline) {
          const { name, descriptors } = await recordOf(service)
          const { tools } = JSON.parse(descriptors.mcpServer.additionalData.tools.data)
          const names: string[] = tools.map((tool: { name: string }) => tool.name)
          timeline.say('registry', `gets ${names.length} tools: ${names.join(', ')}`)
          return `${name} ${names.includes('ci-cd_trigger-deployment') ? 'lists' : 'does not list'} ci-cd_trigger-deployment`
        },
        expected: 'com.example.webhooks/delivery-and-operations lists ci-cd_trigger-deployment',
      },
    ],
  }
}
