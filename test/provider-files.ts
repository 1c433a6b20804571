import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = join(import.meta.dirname, 'functions')

/**
 * Loads the files of this name in the folders of the providers, `test/functions/<category>/<provider>`.
 *
 * @returns their exports, by category and provider: `ci-cd/jenkins`
 */
export async function loadProviderFiles<Exports>(name: string): Promise<[provider: string, exports: Exports][]> {
  const files = globSync(`*/*/${name}.ts`, { cwd: folder }).sort()
  return Promise.all(
    files.map(
      async (file): Promise<[string, Exports]> => [
        dirname(file).replaceAll('\\', '/'),
        await import(pathToFileURL(join(folder, file)).href),
      ],
    ),
  )
}
