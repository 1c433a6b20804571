// Runs before every npm script, on whatever Node starts npm: installs what the lockfile says where it is not there yet.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** npm writes this file last, as a copy of the lockfile: an interrupted install leaves none, a pulled change leaves an old one. */
const installed = 'node_modules/.package-lock.json'

if (!existsSync(installed) || !sameVersions()) {
  // Beside what the script itself answers, which may be read by another.
  console.error('Installing dependencies (npm ci), once ...')
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['inherit', 2, 'inherit'],
    shell: true,
  })
  process.exit(npm.status ?? 1)
}

function sameVersions() {
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages
  const [wanted, found] = [read('package-lock.json'), read(installed)]
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || found[path]?.version === version,
  )
}
