import { join } from 'node:path'
import { installPackages } from '../../../infra/project/install.mjs'

/** The folder of the conformance suite and the clients, which few contributors need. */
export const programs = join(import.meta.dirname, 'programs')

/** Installs the programs at the first run. */
export function installPrograms(): Promise<void> {
  return installPackages(programs)
}
