import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { addOwnProvider } from '../../cli/extend/application.ts'
import { Changes } from '../../cli/extend/changes.ts'
import { newName } from '../../cli/extend/names.ts'

const CHECKOUT_CDK = join(import.meta.dirname, '../../../cdk.json')

interface Manifest {
  version: string
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

/**
 * Writes the package of `npm create cloud-automation-webhooks`. Its version is that of the project, and applications get the
 * project's versions of the development tools, its feature flags of CDK, and the provider that `new-provider` writes.
 *
 * @param folder is created
 */
export function packCreate(folder: string, { version, dependencies, devDependencies }: Manifest): void {
  mkdirSync(folder, { recursive: true })
  writeJson(join(folder, 'package.json'), { ...readJson(join(import.meta.dirname, 'package.json')), version })
  // Node.js does not run TypeScript below node_modules.
  writeFileSync(
    join(folder, 'main.js'),
    stripTypeScriptTypes(readFileSync(join(import.meta.dirname, 'main.ts'), 'utf8')),
  )
  cpSync(join(import.meta.dirname, 'template'), join(folder, 'template'), { recursive: true })
  change<Manifest>(join(folder, 'template/package.json'), (template) => {
    const versions = { ...dependencies, ...devDependencies }
    const tools = Object.keys(template.devDependencies).map((name) => [name, `^${versions[name]}`])
    return { ...template, devDependencies: Object.fromEntries(tools) }
  })
  const { webhooks: _settings, ...context } = readJson<{ context: Record<string, unknown> }>(CHECKOUT_CDK).context
  change(join(folder, 'template/cdk.json'), (template) => ({ ...template, context }))
  const changes = new Changes(join(folder, 'template'))
  addOwnProvider(changes, 'issue-ticketing', newName('acme'), 'ticket')
  changes.write()
}

function change<T extends object>(path: string, update: (content: T) => object): void {
  writeJson(path, update(readJson<T>(path)))
}

function readJson<T extends object>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function writeJson(path: string, content: object): void {
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`)
}
