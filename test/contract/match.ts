import type { Operation } from '../../infra/openapi/contract.ts'
import type { Sent } from './check.ts'

interface Match {
  operation: Operation
  /** What stands for the variable parts of its path. */
  path: Record<string, string>
}

/** Finds what a request asks for. By method and path here; an API that has one path for everything needs another one. */
export type Matcher = (request: Sent) => Match | { unknown: string }

/**
 * Matches as routers do: of several templates that fit, the one with the least variable text. What stands behind a `#` in a
 * template is a header and its value, or the field of a form: so the contracts of AWS tell operations of one path apart.
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
    if (there.length === 0) return { unknown: `the contract has no such path: ${path}` }
    const known = there.map(({ operation }) => operation.method).join(', ')
    return { unknown: `the contract has no ${method} there, only ${known}` }
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
