import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { categories as shipped } from '../../functions/index.ts'
import { addOrchestrators } from '../../shared/orchestrators/index.ts'
import type { OrchestratorTypes } from '../../shared/orchestrators/orchestrator.ts'
import type { Category } from '../../shared/providers/category.ts'
import { APPLICATION, PACKAGE } from './roots.ts'

/** The file with the orchestrators of an application. It is optional. */
export const OWN_ORCHESTRATORS = join(APPLICATION, 'functions/orchestrators.ts')

/** The categories of the application, from its `functions/index.ts`. */
export const categories: readonly Category[] = APPLICATION === PACKAGE ? shipped : await ownCategories()

async function ownCategories(): Promise<readonly Category[]> {
  if (existsSync(OWN_ORCHESTRATORS)) {
    const { orchestrators }: { orchestrators: OrchestratorTypes } = await load(OWN_ORCHESTRATORS)
    addOrchestrators(orchestrators)
  }
  const file = join(APPLICATION, 'functions/index.ts')
  const { categories }: { categories?: readonly Category[] } = await load(file)
  if (Array.isArray(categories)) return categories
  throw new Error(`${file} exports no list of categories. Add: export const categories = [..]`)
}

function load(file: string) {
  return import(pathToFileURL(file).href)
}
