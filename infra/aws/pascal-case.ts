/** Returns the name of a category as ids in the template contain it: `ci-cd` becomes `CiCd`. */
export function pascalCase(name: string): string {
  return name.replace(/(?:^|-)(.)/g, (_dash, letter: string) => letter.toUpperCase())
}
