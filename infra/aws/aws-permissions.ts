import { globSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AwsPermissions } from '../../shared/aws/permissions.ts'
import { APPLICATION, EXTENSION, PACKAGE } from '../project/roots.ts'

/** The name of a file without its extension: sources of an application are TypeScript. */
const SUFFIX = '.permissions'

/** The permissions of all orchestrators at AWS, by type. */
export const orchestratorPermissions = await loadPermissions([`shared/orchestrators/*${SUFFIX}`])

/** The permissions of all providers for AWS services and of all orchestrators at AWS, by name. */
export const awsPermissions: Readonly<Record<string, AwsPermissions>> = {
  ...(await loadPermissions([`functions/*/*/*${SUFFIX}`, `shared/vendors/*${SUFFIX}`])),
  ...orchestratorPermissions,
}

async function loadPermissions(patterns: string[]): Promise<Record<string, AwsPermissions>> {
  const below = (root: string, extension: string) =>
    globSync(
      patterns.map((pattern) => `${pattern}${extension}`),
      { cwd: root },
    ).map((file) => join(root, file))
  const files = [...below(PACKAGE, EXTENSION), ...(APPLICATION === PACKAGE ? [] : below(APPLICATION, '.ts'))]
  const entries = await Promise.all(
    files.map(async (file) => {
      const { permissions }: { permissions: AwsPermissions } = await import(pathToFileURL(file).href)
      return [basename(file, `${SUFFIX}${extname(file)}`), permissions] as const
    }),
  )
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Returns an error message for each problem with the ARNs of a provider. */
export function checkArns({ arns: kinds }: AwsPermissions, arns: readonly string[]): string[] {
  const all = Object.values(kinds)
  const invalid = arns.filter((arn) => !all.some(({ pattern }) => pattern.test(arn)))
  if (invalid.length > 0)
    return invalid.map((arn) => `must be ${all.map(({ example }) => example).join(' or ')}, not "${arn}"`)
  const missing = all.filter(({ pattern, isOptional }) => !isOptional && !arns.some((arn) => pattern.test(arn)))
  return missing.map(({ example }) => `must list at least one ${example}`)
}
