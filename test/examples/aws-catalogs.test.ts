import { globSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { plainTemplate } from '../../infra/tools/release/template/plain-template.ts'
import { Service } from '../e2e/service.ts'
import { synthesize } from '../infra/aws/synthesize.ts'
import { recordOf } from './runners/agent-registry.ts'
import { FOLDER as folder, read } from './runners/files.ts'

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
})

describe('The record for AWS Agent Registry', () => {
  const service = new Service({ timeScale: 20 })
  beforeAll(() => service.start())
  afterAll(() => service.end())

  it('has the server and the tools of the caller, within the limits of the registry', async () => {
    const { name, descriptors } = await recordOf(service)
    expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_\-./]*$/)
    const { data, additionalData } = descriptors.mcpServer
    const server = JSON.parse(read('agent-registry/server.json'))
    server.remotes[0].url = `${service.url}/v1/mcp`
    expect(JSON.parse(data)).toEqual(server)
    const { tools } = JSON.parse(additionalData.tools.data)
    expect(tools.length).toBeGreaterThan(10)
    expect(Math.max(data.length, additionalData.tools.data.length)).toBeLessThanOrEqual(102_400)
  })
})
