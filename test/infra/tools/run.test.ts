import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { quoteForShell } from '../../../infra/project/shell-words.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const root = join(import.meta.dirname, '../../..')

const zod = { 'node_modules/zod': { version: '4.0.0' } }
const pinnedNode = { 'node_modules/node': { version: '24.21.0', peer: true } }
const tools = { 'node_modules/jest': { version: '30.0.0', dev: true } }
const older = { 'node_modules/zod': { version: '3.0.0' } }
const SANDBOX = 'ci --omit=dev --include=optional --omit=peer'
const SANDBOX_WITH_NODE = 'ci --omit=dev --include=optional --include=peer'
const EVERYTHING = 'ci --include=dev --include=optional --include=peer'

const folders = temporaryFolder()
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(folders, 'run-'))
  for (const file of ['tools/run.mjs', 'project/install.mjs', 'project/progress.mjs', 'cli/webhooks.mjs'])
    cpSync(join(root, 'infra', file), join(folder, 'infra', file))
  writeFileSync(join(folder, 'infra/cli/main.ts'), 'console.log(process.version)')
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, ...zod, ...pinnedNode, ...tools } }),
  )
  writeFileSync(join(folder, 'file.mjs'), 'console.log(JSON.stringify([process.argv.slice(1), process.execArgv]))')
  fakeNpm(install)
})

const hiddenLockfile = (packages: object) => quoteForShell(JSON.stringify({ packages }))

/** Installs what the arguments of npm include. The pinned Node.js is the one that runs this test. */
const install = `rm -rf node_modules
mkdir -p node_modules
echo ${hiddenLockfile(zod)} > node_modules/.package-lock.json
case "$*" in *--include=peer*)
  mkdir -p node_modules/node/bin node_modules/node/node_modules/node-x64/include node_modules/node/node_modules/node-x64/bin
  touch node_modules/node/node_modules/.package-lock.json
  ln -sf ${quoteForShell(process.execPath)} node_modules/node/bin/node
  echo '{"version":"${process.versions.node}"}' > node_modules/node/package.json
  echo ${hiddenLockfile({ ...zod, ...pinnedNode })} > node_modules/.package-lock.json
esac
case "$*" in *--include=dev*)
  echo ${hiddenLockfile({ ...zod, ...pinnedNode, ...tools })} > node_modules/.package-lock.json
esac`

/** Puts an `npm` that runs this shell script, and counts its runs, on the PATH. */
function fakeNpm(script: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true })
  writeFileSync(join(folder, 'bin/npm'), `#!/bin/sh\necho "$*" >> npm.log\n${script}\n`, { mode: 0o755 })
}

/** Returns the commands of npm so far, without the options that are always the same. */
function npmRuns(): string[] {
  if (!existsSync(join(folder, 'npm.log'))) return []
  return readFileSync(join(folder, 'npm.log'), 'utf8').trimEnd().replaceAll(ALWAYS, '').split('\n')
}

const ALWAYS = ' --legacy-peer-deps=false --no-audit --no-fund --loglevel=error'

/** An option of Node.js that lets it report another version. */
function pretend(version: string): string[] {
  const code = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`
  return ['--import', `data:text/javascript,${code}`]
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
    expect(first).toMatchObject({ status: 0, stderr: expect.stringContaining('Installing up to 3 packages') })
    expect(JSON.parse(first.stdout)).toEqual([[join(folder, 'file.mjs'), '--only', 'a b'], []])
    expect(run('infra/tools/run.mjs', 'file.mjs')).toMatchObject({ status: 0, stderr: '' })
    expect(npmRuns()).toEqual([EVERYTHING])
  })

  it('installs again if the lockfile requires another version', () => {
    run('infra/tools/run.mjs', 'file.mjs')
    writeFileSync(join(folder, 'node_modules/.package-lock.json'), JSON.stringify({ packages: older }))
    expect(run('infra/tools/run.mjs', 'file.mjs').status).toBe(0)
    expect(npmRuns()).toHaveLength(2)
  })

  it('runs nothing if the installation fails', () => {
    fakeNpm('exit 7')
    const stderr = expect.stringContaining('The packages could not be installed: see the error of npm above.')
    expect(run('infra/tools/run.mjs', 'file.mjs')).toMatchObject({ status: 7, stdout: '', stderr })
  })

  it('installs once if several commands start at once', async () => {
    fakeNpm(`while [ ! -e go ]; do sleep 0.1; done\n${install}`)
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
    fakeNpm(install)
    expect(run('infra/tools/run.mjs', 'file.mjs').status).toBe(0)
    writeFileSync(join(folder, 'go'), '')
    await closed
  })

  it('refuses a version of Node.js that is too old, and installs nothing', () => {
    const stderr = expect.stringMatching(/^Node\.js 20 or later is required/)
    const ended = run(...pretend('18.20.4'), 'infra/tools/run.mjs', 'file.mjs')
    expect(ended).toMatchObject({ status: 1, stdout: '', stderr })
    expect(npmRuns()).toEqual([])
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

describe('infra/tools/run.mjs --no-tools', () => {
  const start = (...options: string[]) => run(...options, 'infra/tools/run.mjs', '--no-tools', 'file.mjs', 'x')
  const tests = () => run('infra/tools/run.mjs', 'file.mjs')

  it('installs what runs the sandbox, without tools and without the pinned Node.js', () => {
    const first = start()
    expect(first).toMatchObject({ status: 0, stderr: expect.stringContaining('Installing up to 1 packages') })
    expect(JSON.parse(first.stdout)).toEqual([[join(folder, 'file.mjs'), 'x'], []])
    expect(start()).toMatchObject({ status: 0, stderr: '' })
    expect(npmRuns()).toEqual([SANDBOX])
  })

  it('installs the pinned Node.js, too, if the one at hand is too old to run the sandbox', () => {
    start()
    for (const old of ['20.0.0', '23.11.1']) {
      const { status, stdout } = start(...pretend(old))
      expect({ status, printed: JSON.parse(stdout)[0] }).toEqual({
        status: 0,
        printed: [join(folder, 'file.mjs'), 'x'],
      })
    }
    const program = join(folder, 'node_modules/node/node_modules/node-x64')
    expect(readdirSync(program)).toEqual(['bin'])
    for (const recent of ['24.0.0', '26.10.0']) expect(start(...pretend(recent)).status).toBe(0)
    expect(npmRuns()).toEqual([SANDBOX, SANDBOX_WITH_NODE])
  })

  it('leaves the tools to the first command that needs them, and installs nothing after it', () => {
    expect([start(), tests(), start(), tests()].map(({ status }) => status)).toEqual([0, 0, 0, 0])
    expect(npmRuns()).toEqual([SANDBOX, EVERYTHING])
  })

  it('keeps the tools if the lockfile requires another version', () => {
    tests()
    const packages = { ...older, ...pinnedNode, ...tools }
    writeFileSync(join(folder, 'node_modules/.package-lock.json'), JSON.stringify({ packages }))
    expect(start().status).toBe(0)
    expect(npmRuns()).toEqual([EVERYTHING, EVERYTHING])
  })

  it('is what webhooks does', () => {
    const command = (...options: string[]) => run(...options, 'infra/cli/webhooks.mjs')
    expect(command()).toMatchObject({ status: 0, stdout: `${process.version}\n` })
    expect([start(), command()]).toMatchObject([{ stderr: '' }, { stderr: '' }])
    expect(command(...pretend('20.0.0'))).toMatchObject({ status: 0, stdout: `${process.version}\n` })
    expect(npmRuns()).toEqual([SANDBOX, SANDBOX_WITH_NODE])
  })

  it('is what npm start does, and no other script except webhooks', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const without = Object.keys(scripts).filter((name) => scripts[name].includes('--no-tools'))
    expect(without).toEqual(['start', 'webhooks'])
  })
})
