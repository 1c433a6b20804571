import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'

interface Manifest {
  version: string
  devDependencies: Record<string, string>
}

/**
 * Writes the package of `npm create cloud-automation-webhooks`. Its version is that of the project, and applications get the
 * project's versions of the development tools.
 *
 * @param folder is created
 */
export function packCreate(folder: string, { version, devDependencies }: Manifest): void {
  mkdirSync(folder, { recursive: true })
  writeJson(join(folder, 'package.json'), { ...readJson(join(import.meta.dirname, 'package.json')), version })
  // Node.js does not run TypeScript below node_modules.
  writeFileSync(
    join(folder, 'main.js'),
    stripTypeScriptTypes(readFileSync(join(import.meta.dirname, 'main.ts'), 'utf8')),
  )
  cpSync(join(import.meta.dirname, 'template'), join(folder, 'template'), { recursive: true })
  const file = join(folder, 'template/package.json')
  const template = readJson(file)
  const tools = Object.keys(template.devDependencies).map((name) => [name, `^${devDependencies[name]}`])
  writeJson(file, { ...template, devDependencies: Object.fromEntries(tools) })
}

function readJson(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function writeJson(path: string, content: object): void {
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`)
}
