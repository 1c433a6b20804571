import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Copy, copyOfProject } from '../infra/cli/copy.ts'
import { type Bench, median, ms, type Section, seconds, within } from './measure.ts'

const LATER_STARTS = 3
const COMMANDS = ['--version', '--help']
const COMMAND_RUNS = 7
const MAX_FIRST_MS = 45_000
const MAX_LATER_MS = 5_000
const MAX_COMMAND_MS = 300

/** Measures the first minute: from `npm start` to the first finished event, and the CPU time of commands. */
export async function start({ progress }: Bench): Promise<Section> {
  const copy = copyOfProject()
  try {
    progress('the first start, which builds')
    const first = await firstEventMs(copy)
    const later: number[] = []
    for (let number = 1; number <= LATER_STARTS; number++) {
      progress(`start ${number} of ${LATER_STARTS} with the bundles of the first`)
      later.push(await firstEventMs(copy))
    }
    const rows = [
      ['first finished event, first start after the install', seconds(first), within(first, MAX_FIRST_MS, seconds)],
      ['first finished event, later start', seconds(median(later)), within(median(later), MAX_LATER_MS, seconds)],
    ]
    for (const command of COMMANDS) {
      progress(`webhooks ${command}`)
      const times: number[] = []
      for (let run = 0; run < COMMAND_RUNS; run++) times.push(await commandCpuMs(copy, command))
      rows.push([`webhooks ${command}, CPU`, ms(median(times)), within(median(times), MAX_COMMAND_MS, ms)])
    }
    return {
      title: 'First minute',
      columns: ['what', 'time', 'budget'],
      rows,
      notes: [
        `Elapsed time from \`npm start\` to the first \`finished\` event of the demo sequence, with an empty state folder, in a copy of the checkout; median of ${LATER_STARTS} later starts. The installation is not included: it depends on the network.`,
        `CPU time of \`webhooks\` with its compile cache, median of ${COMMAND_RUNS}, without the 50 ms of the Node.js that starts the pinned one.`,
      ],
    }
  } finally {
    copy.remove()
  }
}

/** Starts the runtime with an empty state folder, and stops it after the first finished event. */
async function firstEventMs({ folder }: Copy): Promise<number> {
  const state = join(folder, '.webhooks')
  rmSync(state, { recursive: true, force: true })
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['infra/tools/run.mjs', 'infra/cli/start.ts', '--build'], {
    cwd: folder,
    env: { ...process.env, WEBHOOKS_PORT: '0', WEBHOOKS_STATE: state },
  })
  try {
    await printed(child, /<-- event sh\.keptn\.event\.\w+\.finished/)
    return performance.now() - startedAt
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

async function printed(child: ChildProcess, expected: RegExp): Promise<void> {
  let text = ''
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      text += chunk
      if (expected.test(text)) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', (code) => reject(new Error(`The runtime ended with ${code}:\n${text}`)))
  })
}

async function commandCpuMs({ folder }: Copy, command: string): Promise<number> {
  const report = `process.on('exit', () => {
    const { user, system } = process.cpuUsage()
    console.error(\`cpu \${(user + system) / 1_000}\`)
  })`
  const preload = `data:text/javascript,${encodeURIComponent(report)}`
  const cache = join(folder, 'node_modules/.cache/node')
  const program = ['--import', preload, 'infra/cli/main.ts', command]
  const env = { ...process.env, NODE_COMPILE_CACHE: cache }
  const { stderr } = await promisify(execFile)(process.execPath, program, { cwd: folder, env })
  const [, cpu] = /cpu ([\d.]+)/.exec(stderr) ?? []
  if (cpu === undefined) throw new Error(`webhooks ${command} did not report its CPU time:\n${stderr}`)
  return Number(cpu)
}
