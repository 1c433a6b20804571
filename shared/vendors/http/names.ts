import { similarName } from '../../validate.ts'

/** The names that an expression can use, with the fields of each. `ANY` means that its fields are not known. */
export interface NameTree {
  readonly [name: string]: NameTree | typeof ANY
}

export const ANY = 'any'
const TEXT: NameTree = {}

/** Returns the names that every request has. @param input the fields of the input */
export function requestNames(input: readonly string[]): NameTree {
  return { input: fields(input), ...common }
}

/** Returns names for expressions that read a response. */
export function withResponse(names: NameTree): NameTree {
  return { ...names, response: ANY }
}

/** Returns a tree of these fields, which may contain anything. */
export function fields(names: readonly string[]): NameTree {
  return Object.fromEntries(names.map((name) => [name, ANY]))
}

/** Returns a tree of texts. */
export function texts(names: readonly string[]): NameTree {
  return Object.fromEntries(names.map((name) => [name, TEXT]))
}

const common: NameTree = {
  key: TEXT,
  event: { ...texts(['id', 'task', 'context', 'gitcommitid', 'project', 'stage', 'service']), labels: ANY },
  now: TEXT,
  secrets: ANY,
}

/** For expressions that several requests share. */
export const responseNames: NameTree = withResponse({ input: ANY, ...common })

/** Returns why a path such as `input.title` cannot exist; undefined if it can. */
export function problemOfPath(path: readonly string[], names: NameTree): string | undefined {
  let known: NameTree | typeof ANY = names
  for (const [index, name] of path.entries()) {
    if (known === ANY) return undefined
    const next: NameTree | typeof ANY | undefined = Object.hasOwn(known, name) ? known[name] : undefined
    if (next === undefined) return unknownName(path.slice(0, index + 1), known)
    known = next
  }
  return undefined
}

function unknownName(path: readonly string[], known: NameTree): string {
  const parent = path.slice(0, -1).join('.')
  const name = path.at(-1) ?? ''
  const names = Object.keys(known)
  const similar = similarName(name, names)
  const isRoot = parent === ''
  const problem = isRoot
    ? `reads ${name}, which is not a name here.`
    : `reads ${path.join('.')}, but ${parent} has no field ${name}.`
  if (similar !== undefined) return `${problem} Did you mean ${isRoot ? similar : `${parent}.${similar}`}?`
  if (!isRoot) return names.length === 0 ? `${problem} It has no fields.` : `${problem} It has ${names.join(', ')}.`
  const advice = known['response'] === ANY ? ` For a field of the response, write response.${name}.` : ''
  return `${problem} Names: ${names.join(', ')}.${advice}`
}
