import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parseSync } from '@swc/core'

/**
 * The SDK suspends a task in which a callback is open 20 ms after its last operation, unless another operation runs. The task
 * then loses the value that it awaits, and if no one completes the callback, it never ends. So a function that has the context of a task awaits
 * only operations, and functions that get the context.
 */

/** The types of parameters with which a function can run operations, or wait for one. */
const DURABLE_TYPES = ['DurableContext', 'DurablePromise', 'ApprovalTask', 'RunApprovalTask']

/** Awaits of something else, and why no callback is open there, or why it runs with the context. */
const EXCEPTIONS: Record<string, string> = {
  'shared/core/task/handler.ts: taskHandler awaits loadAction': 'before the first operation that waits',
  'shared/core/task/payload.ts: checkSeal awaits isChecked': 'a new execution has no operations',
  'shared/core/task/take-turns.ts: runInTurn awaits run': 'the caller has the context',
}

/** A part of a syntax tree. */
interface Node {
  type: string
  [field: string]: unknown
}

/** A function that can run operations. */
interface DurableFunction {
  file: string
  name: string
  params: Node[]
  body: Node
  /** The types of parameters with which it can. */
  types: string[]
}

const root = join(import.meta.dirname, '../..')
const trees = new Map(
  globSync('{shared,functions}/**/*.ts', { cwd: root }).map((file) => {
    const tree: unknown = parseSync(readFileSync(join(root, file), 'utf8'), { syntax: 'typescript' })
    return [file, tree]
  }),
)

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Returns the children of a part of a tree. Some nodes are in objects without a type. */
function childrenOf(part: unknown): unknown[] {
  return typeof part === 'object' && part !== null ? Object.values(part) : []
}

/** Finds nodes. @param ends whether the search does not enter a node */
function find(part: unknown, isWanted: (node: Node) => boolean, ends: (node: Node) => boolean = () => false): Node[] {
  if (isNode(part) && ends(part)) return []
  const within = childrenOf(part).flatMap((child) => find(child, isWanted, ends))
  return isNode(part) && isWanted(part) ? [part, ...within] : within
}

const ofType = (type: string) => (node: Node) => node.type === type

/** Returns the name of an expression: `context.step`. */
function nameOf(part: unknown): string {
  if (!isNode(part)) return ''
  if (part.type === 'MemberExpression') return `${nameOf(part['object'])}.${nameOf(part['property'])}`
  if (part.type === 'CallExpression') return nameOf(part['callee'])
  return part.type === 'Identifier' ? String(part['value']) : part.type
}

function isFunction({ type }: Node): boolean {
  return /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression|ClassMethod|MethodProperty)$/.test(type)
}

/** Whether a part of a tree names one of these types. */
function mentions(part: unknown, types: readonly string[]): boolean {
  return find(part, ofType('TsTypeReference')).some((one) => types.includes(nameOf(one['typeName'])))
}

/** Returns the functions of a file that can run operations. */
function durableFunctionsIn(file: string, tree: unknown): DurableFunction[] {
  const aliases = find(tree, ofType('TsTypeAliasDeclaration')).filter((one) => mentions(one, DURABLE_TYPES))
  const types = [...DURABLE_TYPES, ...aliases.map((alias) => nameOf(alias['id']))]
  const found: DurableFunction[] = []
  const search = (part: unknown, name: string, isHandler: boolean): void => {
    const fields: Partial<Node> = isNode(part) ? part : {}
    const { params: declared, function: method, identifier, id, key, body } = fields
    const named = nameOf(identifier ?? id ?? key)
    const own = isNode(part) && /Decl|Method/.test(part.type) && named !== '' ? named : name
    const isEntry =
      isHandler || (isNode(part) && part.type === 'CallExpression' && nameOf(part) === 'withDurableExecution')
    if (isNode(part) && isFunction(part)) {
      const { params, body: code } = isNode(method) ? method : { params: declared, body }
      const all = Array.isArray(params) ? params.filter(isNode) : []
      if (isNode(code) && (isHandler || all.some((one) => mentions(one, types))))
        found.push({ file, name: own, params: all, body: code, types })
    }
    for (const child of childrenOf(part)) search(child, own, isEntry && !(isNode(part) && isFunction(part)))
  }
  search(tree, '', false)
  return found
}

const functions = [...trees].flatMap(([file, tree]) => durableFunctionsIn(file, tree))
const durable = new Set(functions.map(({ file, name }) => `${file} ${name}`))
const asynchronous = new Set(
  [...trees].flatMap(([file, tree]) =>
    find(tree, ofType('FunctionDeclaration'))
      .filter((one) => one['async'] === true || mentions(one['returnType'], ['Promise']))
      .map((one) => `${file} ${nameOf(one['identifier'])}`),
  ),
)

/** Returns the file that declares a function, and its name there. */
function declarationOf(file: string, name: string): string {
  for (const one of find(trees.get(file), ofType('ImportDeclaration'))) {
    const { source, specifiers } = one
    const imported = find(specifiers, (node) => nameOf(node['local']) === name)[0]
    const path = isNode(source) ? String(source['value']) : ''
    if (imported) return `${normalize(join(dirname(file), path))} ${nameOf(imported['imported']) || name}`
  }
  return `${file} ${name}`
}

/** Whether an expression is an operation, or calls a function that gets the context. */
function isDurable(expression: Node, within: DurableFunction): boolean {
  const { file, params, body, types } = within
  const name = nameOf(expression)
  if (params.some((one) => nameOf(one['pat'] ?? one) === name && mentions(one, types))) return true
  if (expression.type !== 'CallExpression') return false
  if (/^(?:context\.|task\.start$)/.test(name) || durable.has(declarationOf(file, name))) return true
  const [local] = find(body, (node) => node.type === 'VariableDeclarator' && nameOf(node['id']) === name)
  const init = local?.['init']
  return (
    isNode(init) && init.type === 'ArrowFunctionExpression' && isNode(init['body']) && isDurable(init['body'], within)
  )
}

/** Describes what a function awaits, or returns without awaiting it, and that is not an operation. */
function plainAwaitsIn(within: DurableFunction): string[] {
  const { file, name, body } = within
  const all = (type: string) => find(body, ofType(type), isFunction)
  const awaited = all('AwaitExpression').map((one) => one['argument'])
  const looped = all('ForOfStatement').flatMap((one) => (one['await'] === true ? [one['right']] : []))
  const ends = 'stmts' in body ? all('ReturnStatement').map((one) => one['argument']) : [body]
  const returned = ends.filter((one) => asynchronous.has(declarationOf(file, nameOf(one))))
  return [...awaited, ...looped, ...returned, ...all('Import')]
    .filter(isNode)
    .filter((expression) => !isDurable(expression, within))
    .map((expression) => `${file}: ${name} awaits ${nameOf(expression)}`)
}

const plainAwaits = functions.flatMap(plainAwaitsIn)

describe('A function that has the context of a task', () => {
  test.each([
    'core/task/handler.ts taskHandler',
    'core/task/require.ts meetRequirements',
    'core/task/finisher.ts finish',
    'approvals/task.ts waitForDecision',
  ])('is found: %s', (name) => {
    expect([...durable]).toContain(`shared/${name}`)
  })

  test('awaits only operations, and functions that get the context', () => {
    expect(plainAwaits.filter((one) => !(one in EXCEPTIONS))).toEqual([])
  })

  test('has no exception that is not needed', () => {
    expect(Object.keys(EXCEPTIONS).filter((one) => !plainAwaits.includes(one))).toEqual([])
  })

  test.each([
    ['a plain await', 'await read()', 'read'],
    ['an import', "const { run } = await import('./x.ts')", 'Import'],
    ['a loop over requests', 'for await (const one of list()) use(one)', 'list'],
    ['the promise of another function', 'return read()', 'read'],
  ])('is noticed with %s', (_what, code, name) => {
    const text = `async function read() {}\nasync function run(context: DurableContext) { ${code} }`
    trees.set('x.ts', parseSync(text, { syntax: 'typescript' }))
    asynchronous.add('x.ts read')
    const [run] = durableFunctionsIn('x.ts', trees.get('x.ts'))
    expect(run && plainAwaitsIn(run)).toContain(`x.ts: run awaits ${name}`)
  })
})
