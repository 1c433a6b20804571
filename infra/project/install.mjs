// Installs the packages of a folder on demand. Works on every Node.js version in "engines", and refuses older ones.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const PROGRESS_INTERVAL_MS = 15_000
const LOCK_INTERVAL_MS = 250
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
  // Two installations at once would delete the files of each other.
  const lock = join(folder, '.installing')
  if (!take(lock)) {
    console.error('Another command installs the packages. Waiting for it ...')
    while (!take(lock)) await sleep(LOCK_INTERVAL_MS)
  }
  try {
    if (!isInstalled(folder, locked)) await install(folder, locked)
  } finally {
    rmSync(lock, { force: true })
  }
}

async function install(folder, locked) {
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

/** Returns whether this process holds the lock now. A process that has ended loses it. */
function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (!holderRuns(lock)) rmSync(lock, { force: true })
    return false
  }
}

function holderRuns(lock) {
  try {
    // Signal 0 sends nothing. The file is empty for a moment; 0 is this process itself.
    process.kill(Number(readFileSync(lock, 'utf8')), 0)
    return true
  } catch (error) {
    // EPERM: the process of another user.
    return error.code === 'EPERM'
  }
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
