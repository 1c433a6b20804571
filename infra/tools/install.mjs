// Installs the packages of a folder on demand. Works on every Node.js version in "engines", and refuses older ones.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const PROGRESS_INTERVAL_MS = 15_000
/** The same as in package.json. */
const MIN_NODE = 20

/** Installs the packages in the lockfile of a folder if they are missing or outdated. Exits if npm fails. */
export async function installPackages(folder) {
  // An older version would install packages that do not match it, and fail later.
  if (Number.parseInt(process.versions.node, 10) < MIN_NODE) {
    console.error(
      `Node.js ${MIN_NODE} or later is required, and this is ${process.version}. Install it from https://nodejs.org`,
    )
    process.exit(1)
  }
  const locked = readJson(join(folder, 'package-lock.json')).packages
  if (isInstalled(folder, locked)) return
  const count = Object.keys(locked).length - 1
  // To stderr, because stdout belongs to the file.
  console.error(`Installing up to ${count} packages (npm ci), once. This usually takes one to three minutes ...`)
  const startedAt = Date.now()
  const progress = setInterval(() => {
    console.error(`Still installing after ${Math.round((Date.now() - startedAt) / 1000)} s ...`)
  }, PROGRESS_INTERVAL_MS)
  const command = 'npm ci --no-audit --no-fund --loglevel=error'
  const npm = spawn(command, { cwd: folder, stdio: ['inherit', 2, 'inherit'], shell: true })
  const [status] = await once(npm, 'exit')
  clearInterval(progress)
  if (status === 0) return
  console.error(
    'The packages could not be installed: see the error of npm above. Check that this machine reaches the registry (npm ping), and run the command again.',
  )
  process.exit(status ?? 1)
}

function isInstalled(folder, locked) {
  // npm writes this copy of the lockfile last, so an interrupted installation leaves none.
  const copy = join(folder, 'node_modules/.package-lock.json')
  if (!existsSync(copy)) return false
  const installed = readJson(copy).packages
  return Object.entries(locked).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  )
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
