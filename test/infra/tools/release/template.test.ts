import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { plainTemplate } from '../../../../infra/tools/release/template/plain-template.ts'
import { runInProcess } from '../../../runner/in-process.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { root, synthesize } from '../../aws/synthesize.ts'

const from = temporaryFolder()
const to = join(temporaryFolder(), 'out')

describe('The plain template', () => {
  const original = synthesize().template.toJSON()
  const template = plainTemplate(original as Parameters<typeof plainTemplate>[0])

  it('does not need what cdk bootstrap creates', () => {
    expect(JSON.stringify(original)).toContain('cdk-hnb659fds')
    expect(JSON.stringify(template)).not.toMatch(/cdk-hnb659fds|Bootstrap/)
  })

  it('has the same resources, whose code is in the bucket of a parameter', () => {
    expect(Object.keys(template.Resources)).toEqual(Object.keys(original['Resources']))
    const codes = Object.values(template.Resources as Record<string, { Type: string; Properties: { Code?: object } }>)
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => Properties.Code)
    expect(codes.length).toBeGreaterThan(20)
    for (const code of codes)
      expect(code).toEqual({
        S3Bucket: { Ref: 'AssetsBucket' },
        S3Key: { 'Fn::Sub': expect.stringMatching(/^\$\{AssetsPrefix\}[0-9a-f]+\.zip$/) },
      })
    expect(template.Parameters).toMatchObject({ AssetsBucket: { Type: 'String' }, AssetsPrefix: { Default: '' } })
  })
})

it('npm run release:template writes the template and the code of the functions', async () => {
  mkdirSync(join(from, 'asset.ab12'))
  writeFileSync(join(from, 'asset.ab12/index.mjs'), 'export const handler = () => 1\n')
  // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation replaces them.
  const code = { S3Bucket: { 'Fn::Sub': 'cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}' }, S3Key: 'ab12.zip' }
  const files = {
    ab12: { source: { path: 'asset.ab12', packaging: 'zip' }, destinations: { here: { objectKey: 'ab12.zip' } } },
    cd34: {
      source: { path: 'S.template.json', packaging: 'file' },
      destinations: { here: { objectKey: 'cd34.json' } },
    },
  }
  writeFileSync(join(from, 'S.assets.json'), JSON.stringify({ files }))
  writeFileSync(join(from, 'S.template.json'), JSON.stringify({ Resources: { F: { Properties: { Code: code } } } }))
  const main = join(root, 'infra/tools/release/template/main.ts')
  const run = await runInProcess(main, ['--from', from, '--stack', 'S', '--to', to], { env: process.env })
  expect(run).toMatchObject({ code: 0, err: '' })
  expect(readdirSync(join(to, 'assets'))).toEqual(['ab12.zip'])
  expect(execFileSync('unzip', ['-p', join(to, 'assets/ab12.zip'), 'index.mjs'], { encoding: 'utf8' })).toContain(
    '=> 1',
  )
  expect(readFileSync(join(to, 'template.json'), 'utf8')).toContain('"S3Bucket":{"Ref":"AssetsBucket"}')
})
