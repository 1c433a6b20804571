import { join } from 'node:path'
import { helpIfAsked } from '../../project/help.ts'
import { installPackages } from '../../project/install.mjs'
import { runChangesets } from './run-changesets.ts'

helpIfAsked(`npm run changeset: writes a file in .changeset/ that says how a change raises the version, and what users read about it in
CHANGELOG.md. It asks for both, or takes them from the arguments.

Options
  --major, --minor, --patch <package>  what the version is raised by
  --message <text>                     the entry in CHANGELOG.md
  --help                               print this text

Example
  npm run changeset -- --minor cloud-automation-webhooks --message 'Tickets in Linear.'`)

await installPackages(join(import.meta.dirname))
process.exitCode = runChangesets(process.argv.slice(2))
