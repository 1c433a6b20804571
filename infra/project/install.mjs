// Installs the packages of a folder on demand. Works on every Node.js version in "engines", and refuses older ones.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { reportProgress } from './progress.mjs'

const LOCK_INTERVAL_MS = 250
/** The same as in package.json. */
const MIN_NODE = 20
/** The oldest version that runs the code, as in "engines" of the package on npm. */
const MIN_NODE_TO_RUN = 24
const AT_HAND = Number.parseInt(process.versions.node, 10)

/**
 * Installs the packages in the lockfile of a folder if they are missing or outdated. Exits if npm fails.
 *
 * @param needsTools whether to install devDependencies and the pinned Node.js, too. Without them, the pinned Node.js is only installed if
 *   the one at hand is too old. Tools that are already installed stay, and are updated
 */
export async function installPackages(folder, { needsTools = true } = {}) {
  // An older version would install packages that do not match it, and fail later.
  if (AT_HAND < MIN_NODE) {
    console.error(
      `Node.js ${MIN_NODE} or later is required, and this is ${process.version}. Install it from https://nodejs.org`,
    )
    process.exit(1)
  }
  const { packages } = readJson(join(folder, 'package-lock.json'))
  if (isInstalled(folder, packages, needsTools)) return
  // Two installations at once would delete the files of each other.
  const lock = join(folder, '.installing')
  if (!take(lock)) {
    console.error('Another command installs the packages. Waiting for it ...')
    while (!take(lock)) await sleep(LOCK_INTERVAL_MS)
  }
  try {
    if (!isInstalled(folder, packages, needsTools)) await install(folder, packages, needsTools)
  } finally {
    rmSync(lock, { force: true })
  }
}

/** Returns the path of the Node.js that runs the code: the pinned one if it is installed. */
export function nodeIn(folder) {
  const pinned = join(folder, 'node_modules/node')
  if (!existsSync(join(pinned, 'bin/node'))) return process.execPath
  const { version } = readJson(join(pinned, 'package.json'))
  return version === process.versions.node ? process.execPath : join(pinned, 'bin/node')
}

async function install(folder, packages, needsTools) {
  const types = neededTypes(folder, needsTools)
  const count = Object.entries(packages).filter(([path, locked]) => path !== '' && isNeeded(locked, types)).length
  const duration = types.dev ? 'one to three minutes' : 'less than a minute'
  // To stderr, because stdout belongs to the file.
  console.error(`Installing up to ${count} packages (npm ci), once. This usually takes ${duration} ...`)
  const stop = reportProgress('installing')
  // The settings of a user must not change what is installed.
  const which = Object.entries(types).map(([type, isIncluded]) => `--${isIncluded ? 'include' : 'omit'}=${type}`)
  const command = `npm ci ${which.join(' ')} --legacy-peer-deps=false --no-audit --no-fund --loglevel=error`
  const npm = spawn(command, { cwd: folder, stdio: ['inherit', 2, 'inherit'], shell: true })
  const [status] = await once(npm, 'exit')
  stop()
  if (status === 0) return removeHeaders(folder)
  console.error(
    'The packages could not be installed: see the error of npm above. Check that this machine reaches the registry (npm ping), and run the command again.',
  )
  process.exit(status ?? 1)
}

/** Removes the headers of the pinned Node.js: they are for compilers, and a fourth of what `npm start` installs with it. */
function removeHeaders(folder) {
  const programs = join(folder, 'node_modules/node/node_modules')
  if (!existsSync(programs)) return
  const names = readdirSync(programs).filter((name) => name.startsWith('node-'))
  for (const name of names) rmSync(join(programs, name, 'include'), { recursive: true, force: true })
}

/** Returns the types of dependencies to install, by their name in npm. */
function neededTypes(folder, needsTools) {
  const dev = needsTools || Object.values(installedIn(folder)).some(({ dev }) => dev)
  // esbuild has its program for each platform in an optional dependency. The pinned Node.js is the only peer dependency.
  return { dev, optional: true, peer: dev || AT_HAND < MIN_NODE_TO_RUN }
}

function isNeeded(locked, types) {
  return (types.dev || !locked.dev) && (types.peer || !locked.peer)
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

function isInstalled(folder, packages, needsTools) {
  const installed = installedIn(folder)
  const types = neededTypes(folder, needsTools)
  return Object.entries(packages).every(
    ([path, locked]) =>
      path === '' || locked.optional || !isNeeded(locked, types) || installed[path]?.version === locked.version,
  )
}

/** Returns the packages that an installation left. */
function installedIn(folder) {
  // npm writes this copy of the lockfile last, so an interrupted installation leaves none.
  const copy = join(folder, 'node_modules/.package-lock.json')
  return existsSync(copy) ? readJson(copy).packages : {}
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
