import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')

/** Returns the files of the project that a file imports, also when it runs. Type imports count. */
export function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/\b(?:from|import)\b[ (\n]*'(\.[^']+)'/g)].map(([, path = '']) =>
    relative(root, join(root, dirname(file), path)),
  )
}

/** Returns the imports that lead to a higher level. */
export function importsUpward(
  imports: ReadonlyMap<string, readonly string[]>,
  levelOf: (file: string) => number,
): string[] {
  return [...imports].flatMap(([file, targets]) =>
    targets.filter((target) => levelOf(target) > levelOf(file)).map((target) => `${file} -> ${target}`),
  )
}

/** Returns the cycles in the imports of files. */
export function cyclesIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  /** Returns the cycles that are reachable from a file, except those through files that were searched before. */
  const cyclesFrom = (file: string, path: string[]): string[] => {
    if (path.includes(file)) return [[...path.slice(path.indexOf(file)), file].join(' -> ')]
    if (done.has(file)) return []
    const cycles = (imports.get(file) ?? []).flatMap((next) => cyclesFrom(next, [...path, file]))
    done.add(file)
    return cycles
  }
  return [...imports.keys()].flatMap((file) => cyclesFrom(file, []))
}
