import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../../../../shared/errors.ts'
import { helpIfAsked } from '../../../project/help.ts'
import { plainTemplate } from './plain-template.ts'

const ROOT = join(import.meta.dirname, '../../../..')

helpIfAsked(`npm run release:template: writes the stack as a template that needs neither CDK nor cdk bootstrap, and the code of its
functions. Needs the command zip. Run npm run synth first.

Options
  --from <folder>  the output of CDK; defaults to cdk.out
  --stack <name>   the name of the stack; defaults to CloudAutomationWebhooks
  --to <folder>    is replaced; defaults to dist.template
  --help           print this text

Example
  npm run synth && npm run release:template`)

interface Assets {
  files: Record<
    string,
    { source: { path: string; packaging: 'zip' | 'file' }; destinations: Record<string, { objectKey: string }> }
  >
}

try {
  main()
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}

function main(): void {
  const { from, stack, to } = parseArgs({
    options: {
      from: { type: 'string', default: join(ROOT, 'cdk.out') },
      stack: { type: 'string', default: 'CloudAutomationWebhooks' },
      to: { type: 'string', default: join(ROOT, 'dist.template') },
    },
  }).values
  const read = (file: string) => JSON.parse(readFileSync(join(from, file), 'utf8'))
  const { files }: Assets = read(`${stack}.assets.json`)
  rmSync(to, { recursive: true, force: true })
  mkdirSync(join(to, 'assets'), { recursive: true })
  const folders = Object.values(files).filter(({ source }) => source.packaging === 'zip')
  for (const { source, destinations } of folders)
    for (const { objectKey } of Object.values(destinations)) zip(join(from, source.path), join(to, 'assets', objectKey))
  writeFileSync(join(to, 'template.json'), JSON.stringify(plainTemplate(read(`${stack}.template.json`))))
  console.log(`Wrote template.json and the code of ${folders.length} functions to ${to}`)
}

/** Writes a folder into an archive, without owners and groups. */
function zip(folder: string, archive: string): void {
  const { status, error, stderr } = spawnSync('zip', ['-X', '-q', '-r', archive, '.'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (error) throw new Error(`zip cannot be run (${error.message}). Install it.`)
  if (status !== 0) throw new Error(`zip failed for ${folder}: ${stderr}`)
}
