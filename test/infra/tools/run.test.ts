import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { quoteForShell } from '../../../infra/project/shell-words.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const root = join(import.meta.dirname, '../../..')
const lockfile = JSON.stringify({ packages: { '': {}, 'node_modules/zod': { version: '4.0.0' } } })
const older = JSON.stringify({ packages: { 'node_modules/zod': { version: '3.0.0' } } })

const folders = temporaryFolder()
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(folders, 'run-'))
  for (const file of ['infra/tools/run.mjs', 'infra/project/install.mjs']) cpSync(join(root, file), join(folder, file))
  writeFileSync(join(folder, 'package-lock.json'), lockfile)
  writeFileSync(join(folder, 'file.mjs'), 'console.log(JSON.stringify([process.argv.slice(1), process.execArgv]))')
  fakeNpm(`${install} "${lockfile.replaceAll('"', '\\"')}"`)
})

/** Takes the content of the installed lockfile. The pinned Node.js is the one that runs this test. */
const install = `install() {
  mkdir -p node_modules/node/bin
  ln -sf ${quoteForShell(process.execPath)} node_modules/node/bin/node
  echo '{"version":"${process.versions.node}"}' > node_modules/node/package.json
  echo "$1" > node_modules/.package-lock.json
}
install`

/** Puts an `npm` that runs this shell script, and counts its runs, on the PATH. */
function fakeNpm(script: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true })
  writeFileSync(join(folder, 'bin/npm'), `#!/bin/sh\necho "$*" >> npm.log\n${script}\n`, { mode: 0o755 })
}

function npmRuns(): string[] {
  return readFileSync(join(folder, 'npm.log'), 'utf8').trim().split('\n')
}

function options() {
  return {
    cwd: folder,
    env: { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}` },
  }
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { ...options(), encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('infra/tools/run.mjs', () => {
  it('installs missing dependencies once, then runs the file with its arguments', () => {
    const first = run('infra/tools/run.mjs', 'file.mjs', '--only', 'a b')
    expect(first).toMatchObject({ status: 0, stderr: expect.stringContaining('Installing up to 1 packages') })
    expect(JSON.parse(first.stdout)).toEqual([[join(folder, 'file.mjs'), '--only', 'a b'], []])
    expect(run('infra/tools/run.mjs', 'file.mjs')).toMatchObject({ status: 0, stderr: '' })
    expect(npmRuns()).toEqual(['ci --no-audit --no-fund --loglevel=error'])
  })

  it('installs again if the lockfile requires another version', () => {
    run('infra/tools/run.mjs', 'file.mjs')
    writeFileSync(join(folder, 'node_modules/.package-lock.json'), older)
    expect(run('infra/tools/run.mjs', 'file.mjs').status).toBe(0)
    expect(npmRuns()).toHaveLength(2)
  })

  it('runs nothing if the installation fails', () => {
    fakeNpm('exit 7')
    const stderr = expect.stringContaining('The packages could not be installed: see the error of npm above.')
    expect(run('infra/tools/run.mjs', 'file.mjs')).toMatchObject({ status: 7, stdout: '', stderr })
  })

  it('installs once if several commands start at once', async () => {
    fakeNpm(`while [ ! -e go ]; do sleep 0.1; done\n${install} "${lockfile.replaceAll('"', '\\"')}"`)
    const commands = [1, 2, 3].map(() => spawn(process.execPath, ['infra/tools/run.mjs', 'file.mjs'], options()))
    let said = ''
    for (const { stderr } of commands) stderr.on('data', (chunk) => (said += chunk))
    const ended = commands.map((command) => once(command, 'close'))
    while (said.split('Another command installs').length < commands.length) await sleep(20)
    writeFileSync(join(folder, 'go'), '')
    expect(await Promise.all(ended)).toEqual(commands.map(() => [0, null]))
    expect(npmRuns()).toHaveLength(1)
  })

  it('installs if another command was killed while it installed', async () => {
    fakeNpm('while [ ! -e go ]; do sleep 0.1; done')
    const killed = spawn(process.execPath, ['infra/tools/run.mjs', 'file.mjs'], options())
    while (!existsSync(join(folder, 'npm.log'))) await sleep(20)
    const [exited, closed] = [once(killed, 'exit'), once(killed, 'close')]
    killed.kill('SIGKILL')
    await exited
    fakeNpm(`${install} "${lockfile.replaceAll('"', '\\"')}"`)
    expect(run('infra/tools/run.mjs', 'file.mjs').status).toBe(0)
    writeFileSync(join(folder, 'go'), '')
    await closed
  })

  it('refuses a version of Node.js that is too old, and installs nothing', () => {
    const pretend = 'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "18.20.4" })'
    const stderr = expect.stringMatching(/^Node\.js 20 or later is required/)
    expect(run('--import', pretend, 'infra/tools/run.mjs', 'file.mjs')).toMatchObject({ status: 1, stdout: '', stderr })
    expect(existsSync(join(folder, 'npm.log'))).toBe(false)
    expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node).toBe('>=20')
  })

  it('starts the pinned Node.js with the same flags if another version runs it', () => {
    run('infra/tools/run.mjs', 'file.mjs')
    writeFileSync(join(folder, 'node_modules/node/package.json'), '{"version":"1.0.0"}')
    const { status, stdout } = run('--no-warnings', 'infra/tools/run.mjs', 'file.mjs', 'x')
    expect({ status, printed: JSON.parse(stdout) }).toEqual({
      status: 0,
      printed: [[join(folder, 'file.mjs'), 'x'], ['--no-warnings']],
    })
  })

  it('returns the exit code of the file', () => {
    writeFileSync(join(folder, 'file.mjs'), 'process.exitCode = 3')
    expect(run('infra/tools/run.mjs', 'file.mjs').status).toBe(3)
    writeFileSync(join(folder, 'node_modules/node/package.json'), '{"version":"1.0.0"}')
    expect(run('infra/tools/run.mjs', 'file.mjs').status).toBe(3)
  })
})

it('.nvmrc names the Node.js version that package.json pins', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(readFileSync(join(root, '.nvmrc'), 'utf8').trim()).toBe(devDependencies.node)
})
