// `npm run check`: runs every part, reports all failures.
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { messageOf } from '../../shared/errors.ts'

export interface Part {
  name: string
  /** A shell command. */
  command: string
}

const PARTS: Part[] = [
  { name: 'types', command: 'tsc --noEmit' },
  { name: 'page types', command: 'tsc --noEmit -p infra/local/console/page' },
  { name: 'application types', command: 'tsc --noEmit -p infra/tools/create' },
  { name: 'lint', command: 'biome check --error-on-warnings .' },
  { name: 'unused', command: 'knip' },
  { name: 'docs', command: 'node infra/tools/docs/main.ts --check' },
  { name: 'api', command: 'node --no-warnings infra/tools/release/api/main.ts --check' },
  { name: 'words', command: 'node infra/tools/words/main.ts' },
  { name: 'synth', command: 'node infra/build/main.ts && cdk synth --quiet' },
]
const MAX_CONCURRENT = 2
const ROOT = join(import.meta.dirname, '../..')

/** Runs all parts, prints progress and the output of those that fail, and returns the names of those. */
export async function runParts(parts: Part[], print: (text: string) => void): Promise<string[]> {
  const failures: { part: Part; output: string }[] = []
  const nameWidth = Math.max(...parts.map(({ name }) => name.length))
  const waiting = [...parts]
  const startedAt = Date.now()

  async function runWaiting(): Promise<void> {
    for (let part = waiting.shift(); part; part = waiting.shift()) {
      const label = part.name.padEnd(nameWidth)
      const partStartedAt = Date.now()
      print(`${label}  running  ${part.command}`)
      const { succeeded, output } = await run(part.command)
      const result = succeeded ? styleText('green', 'passed ') : styleText('red', 'failed ')
      print(`${label}  ${result}  ${secondsSince(partStartedAt)}`)
      if (!succeeded) failures.push({ part, output })
    }
  }
  await Promise.all(Array.from({ length: MAX_CONCURRENT }, runWaiting))

  for (const { part, output } of failures) print(`\n${part.name}: ${part.command}\n${output.trimEnd()}`)
  const failed = failures.map(({ part }) => part.name)
  const summary = failed.length > 0 ? `${failed.length} of ${parts.length} failed (${failed.join(', ')})` : 'all passed'
  print(`\n${parts.length === 1 ? '1 part' : `${parts.length} parts`} in ${secondsSince(startedAt)}: ${summary}`)
  return failed
}

async function run(command: string): Promise<{ succeeded: boolean; output: string }> {
  const path = `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env['PATH']}`
  const child = spawn(command, {
    cwd: ROOT,
    env: { ...process.env, PATH: path },
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  return { succeeded: status === 0, output }
}

function secondsSince(time: number): string {
  return `${((Date.now() - time) / 1_000).toFixed(1)} s`
}

function selectParts(names: string[] | undefined): Part[] {
  for (const name of names ?? []) {
    if (!PARTS.some((part) => part.name === name))
      throw new Error(`Unknown part "${name}". Parts: ${PARTS.map((part) => part.name).join(', ')}.`)
  }
  return PARTS.filter(({ name }) => names?.includes(name) ?? true)
}

if (import.meta.filename === process.argv[1]) {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string', multiple: true }, help: { type: 'boolean', short: 'h' } },
    })
    if (values.help) console.log(help())
    else process.exitCode = (await runParts(selectParts(values.only), console.log)).length > 0 ? 1 : 0
  } catch (error) {
    console.error(messageOf(error))
    process.exitCode = 2
  }
}

function help(): string {
  return `npm run check: checks the project without running the tests, and reports every part that fails.

Parts
${PARTS.map(({ name, command }) => `  ${name.padEnd(8)} ${command}`).join('\n')}

Options
  --only <part>  run this part only (repeatable)
  --help         print this text

Exit code: 0 all parts passed, 1 a part failed, 2 wrong usage.

Example
  npm run check -- --only types --only lint`
}
