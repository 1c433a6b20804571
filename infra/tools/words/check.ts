import { type Finding, findInPath, findWords } from './find.ts'
import { readText } from './text-files.ts'
import { readPrograms } from './typescript.ts'

/**
 * Finds the banned words in files and in their names.
 *
 * @param sources by path relative to the folder
 */
export function checkFiles(folder: string, sources: ReadonlyMap<string, string>): Finding[] {
  const programs = readPrograms(folder, new Map([...sources].filter(([path]) => /\.(?:ts|mjs|js)$/.test(path))))
  return [...sources].flatMap(([path, source]) => [
    ...findInPath(path),
    ...findWords(path, source, programs.get(path) ?? readText(path, source)),
  ])
}
