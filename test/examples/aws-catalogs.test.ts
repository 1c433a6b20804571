import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { plainTemplate } from '../../infra/tools/release/template/plain-template.ts'
import { Service } from '../e2e/service.ts'
import { synthesize } from '../infra/aws/synthesize.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { runInProcess } from '../runner/in-process.ts'

const folder = join(import.meta.dirname, '../../examples')
const read = (path: string) => readFileSync(join(folder, path), 'utf8')

describe('The Terraform module', () => {
  const files = globSync('terraform/*.tf', { cwd: folder }).map(read).join('\n')
  const namesIn = (pattern: RegExp) => [...new Set([...files.matchAll(pattern)].map(([, name = '']) => name))].sort()

  it('uses each of its variables, and no others', () => {
    expect(namesIn(/\bvar\.(\w+)/g)).toEqual(namesIn(/^variable "(\w+)"/gm))
  })

  it('sets the parameters of the template, and reads outputs that it has', () => {
    const template = plainTemplate(synthesize().template.toJSON() as Parameters<typeof plainTemplate>[0])
    const [, parameters = ''] = /parameters = \{(.*?)\}/s.exec(files) ?? []
    expect([...parameters.matchAll(/^ +(\w+) +=/gm)].map(([, name]) => name)).toEqual(
      Object.keys(template.Parameters ?? {}),
    )
    for (const output of namesIn(/outputs\["(\w+)"\]/g)) expect(template['Outputs']).toHaveProperty(output)
    expect(JSON.stringify(template)).not.toContain('"RoleName"')
    expect(files).toContain('capabilities = ["CAPABILITY_IAM"]')
  })
})

describe('The serverless pattern', () => {
  const path = 'lambda-durable-approval-cdk'

  it('has the fields and sections of the collection', () => {
    const pattern = JSON.parse(read(`${path}/example-pattern.json`))
    expect(pattern).toMatchObject({
      title: expect.any(String),
      description: expect.any(String),
      language: 'TypeScript',
      level: '300',
      framework: 'AWS CDK',
      introBox: { headline: 'How it works', text: expect.any(Array) },
      gitHub: { template: { projectFolder: path, templateFile: 'app.ts' } },
      resources: { bullets: expect.any(Array) },
      deploy: { text: expect.any(Array) },
      testing: { text: expect.any(Array) },
      cleanup: { text: expect.any(Array) },
      authors: [expect.objectContaining({ name: expect.any(String) })],
    })
    // Its guidelines.
    const words = pattern.introBox.text.join(' ').split(/\s+/).length
    expect(words).toBeGreaterThanOrEqual(300)
    expect(words).toBeLessThanOrEqual(500)
    const sections = [...read(`${path}/README.md`).matchAll(/^## (.*)$/gm)].map(([, title]) => title)
    expect(sections).toEqual(['Requirements', 'Deployment Instructions', 'How it works', 'Testing', 'Cleanup'])
  })

  it('runs one deployment after a person has approved it, as its README shows', async () => {
    const service = await new Service({ timeScale: 20, policyFile: join(folder, path, 'policy.yaml') }).start()
    try {
      const [, command = ''] = /npx webhooks (send .*)$/m.exec(read(`${path}/README.md`)) ?? []
      const sent = webhooks(`${command} --url ${service.url} --token ${demo.callerToken}`)
      const asked = async () => (await service.list('messages')).find(({ buttons = [] }) => buttons.length > 0)
      await service.until(asked, 'the request for an approval')
      expect(await service.list('runs')).toEqual([])
      const body = new URLSearchParams({ ts: (await asked()).ts, action: 'approve', user: 'jane' })
      await fetch(`${service.url}/sandbox/slack/click`, { method: 'POST', body, redirect: 'manual' })
      expect(await sent).toMatchObject({ code: 0, out: expect.stringContaining('"verdict": "pass"') })
      expect(await service.list('runs')).toHaveLength(1)
    } finally {
      await service.end()
    }
  })
})

describe('The record for AWS Agent Registry', () => {
  const service = new Service({ timeScale: 20 })
  beforeAll(() => service.start())
  afterAll(() => service.end())

  it('has the server and the tools of the caller, within the limits of the registry', async () => {
    const env = { ...process.env, WEBHOOKS_TOKEN: demo.callerToken }
    const script = join(folder, 'agent-registry/record.mjs')
    const { out, err, code } = await runInProcess(script, [`${service.url}/v1/mcp`], { env })
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const { name, descriptors } = JSON.parse(out)
    expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_\-./]*$/)
    const { data, additionalData } = descriptors.mcpServer
    expect(JSON.parse(data)).toEqual(JSON.parse(read('agent-registry/server.json')))
    const { tools } = JSON.parse(additionalData.tools.data)
    expect(tools.map((tool: { name: string }) => tool.name)).toContain('ci-cd_trigger-deployment')
    expect(Math.max(data.length, additionalData.tools.data.length)).toBeLessThanOrEqual(102_400)
  })
})
