// Runs before every npm script, on whatever Node starts npm: installs what the lockfile says where it is not there yet.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'

/** npm writes this file last, as a copy of the lockfile: an interrupted install leaves none, a pulled change leaves an old one. */
const installed = 'node_modules/.package-lock.json'
const PROGRESS_INTERVAL_MS = 15_000

if (!existsSync(installed) || !hasSameVersions()) {
  const count = Object.keys(packagesIn('package-lock.json')).length - 1
  // To stderr: another program may read what the script itself prints.
  console.error(`Installing up to ${count} packages (npm ci), once. This usually takes one to three minutes ...`)
  const startedAt = Date.now()
  const progress = setInterval(() => {
    console.error(`Still installing after ${Math.round((Date.now() - startedAt) / 1000)} s ...`)
  }, PROGRESS_INTERVAL_MS)
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['inherit', 2, 'inherit'],
    shell: true,
  })
  const [status] = await once(npm, 'exit')
  clearInterval(progress)
  process.exit(status ?? 1)
}

function packagesIn(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

function hasSameVersions() {
  const [wanted, found] = [packagesIn('package-lock.json'), packagesIn(installed)]
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || found[path]?.version === version,
  )
}
