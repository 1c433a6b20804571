import { existsSync, readFileSync } from 'node:fs'
import type { Profiler } from 'node:inspector'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

type Node = Profiler.ProfileNode

/** The parts of a call, by the source file of the innermost function that has one. The first match counts. */
const parts: readonly [part: string, files: RegExp][] = [
  ['log line and audit line', /shared\/(?:log|audit|metrics|settings)\.ts|webhook\/handler\.ts/],
  ['masking of secrets', /shared\/redact\.ts/],
  ['authentication', /shared\/auth\/(?!secrets)/],
  ['secrets of connections', /shared\/(?:auth\/secrets|aws)|providers\/connections?\.ts/],
  ['validation (zod)', /node_modules\/zod|shared\/(?:validate|fields)\.ts/],
  ['HTTP client: URL, headers, limits, JSON', /shared\/http\//],
  ['middleware (middy)', /node_modules\/@middy/],
  [
    'reading of the call, and the response',
    /shared\/(?:core\/http|orchestrators|duration|event)|shared\/core\/prepare/,
  ],
  ['action and provider', /functions\/|shared\/(?:providers|core|text|vendors|outcome)/],
]
/** While the process writes to a socket, the operating system may run the receiver: it takes an unknown part of these samples. */
const NOT_COUNTED = /^(?:\(idle\)|write(?:Utf8String|Latin1String|Buffer|v))$/
const NETWORK = 'Node.js: HTTP messages and sockets'
const COLLECTOR = 'garbage collection'

/**
 * Divides the samples of a profile among the parts of a call. Time within Node.js counts for the function that called it,
 * or for the network if an event of a socket did.
 *
 * @returns share of the samples in which the process worked, without system calls that write, by part, largest first
 */
export function sharesOf({ nodes, samples = [] }: Profiler.Profile): [part: string, share: number][] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)))
  const sourceOf = sourceReader()
  const partOf = (node: Node): string | undefined => {
    if (NOT_COUNTED.test(node.callFrame.functionName)) return undefined
    if (node.callFrame.functionName === '(garbage collector)') return COLLECTOR
    for (let frame: Node | undefined = node; frame; frame = parents.get(frame.id)) {
      const source = sourceOf(frame)
      const part = source && parts.find(([, files]) => files.test(source))
      if (part) return part[0]
    }
    return NETWORK
  }
  const counts = new Map<string, number>()
  for (const id of samples) {
    const node = byId.get(id)
    const part = node && partOf(node)
    if (part) counts.set(part, (counts.get(part) ?? 0) + 1)
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return [...counts].map(([part, count]): [string, number] => [part, count / total]).sort(([, a], [, b]) => b - a)
}

/** Returns a function that returns the source file of a function in a bundle. */
function sourceReader(): (node: Node) => string | undefined {
  const maps = new Map<string, SourceMap | undefined>()
  return ({ callFrame: { url, lineNumber, columnNumber } }) => {
    if (!maps.has(url)) maps.set(url, sourceMapOf(url))
    const entry = maps.get(url)?.findEntry(lineNumber, columnNumber)
    return entry && 'originalSource' in entry ? entry.originalSource : undefined
  }
}

function sourceMapOf(url: string): SourceMap | undefined {
  const file = `${url.startsWith('file:') ? fileURLToPath(url) : url}.map`
  return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined
}
