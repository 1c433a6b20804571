import type { Operation } from '../../infra/openapi/contract.ts'
import type { Sent } from './check.ts'

/** Finds the operation of a request, with the values of the variable path segments. */
type Matcher = (request: Sent) => { operation: Operation; path: Record<string, string> } | { unknown: string }

/**
 * Matches as routers do: of several matching templates, the one with the least variable text. In a template, the part after `#`
 * is a header and its value, or a field of the form. The contracts of AWS use it to separate operations of the same path.
 */
export function byPath(operations: Operation[]): Matcher {
  const routes = operations.map((operation) => {
    const [path = '', header] = operation.path.split('#')
    return { operation, pattern: patternOf(path), header: header?.split('=') }
  })
  const fixed = ({ operation: { path } }: { operation: Operation }) => path.replace(/\{[^}]*\}/g, '').length
  routes.sort((one, other) => fixed(other) - fixed(one))
  return ({ method, path, headers, body }) => {
    const there = routes.flatMap(({ operation, pattern, header: [name = '', value] = [] }) => {
      const found = pattern.exec(path)
      const given = headers[name.toLowerCase()] ?? (name && new URLSearchParams(body).get(name)) ?? undefined
      return found && (given || undefined) === value ? [{ operation, values: found.slice(1) }] : []
    })
    const [match] = there.filter(({ operation }) => operation.method === method)
    if (match) return { operation: match.operation, path: valuesOf(match.operation.path, match.values) }
    if (there.length === 0) return { unknown: `the path is not in the contract: ${path}` }
    const known = there.map(({ operation }) => operation.method).join(', ')
    return { unknown: `the contract has no ${method} for this path, only ${known}` }
  }
}

function patternOf(template: string): RegExp {
  const parts = template.split(/\{[^}]*\}/).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('([^/]+)')}$`)
}

function valuesOf(template: string, values: string[]): Record<string, string> {
  const names = [...template.matchAll(/\{([^}]*)\}/g)].map(([, name = '']) => name)
  return Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(values[at] ?? '')]))
}
