import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/** A package of which some code is in a bundle. */
export interface ThirdPartyPackage {
  name: string
  version: string
  /** SPDX expression. */
  license: string
  /** Texts of its license and notice files. */
  notices: string[]
}

/** A package in a bill of materials. */
export type BomPackage = Pick<ThirdPartyPackage, 'name' | 'version' | 'license'>

interface BomComponent {
  name: string
  version: string
  licenses: [{ expression: string }]
}

const NOTICE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i

/** Reads packages, each once for all bundles. */
export class ThirdPartyReader {
  readonly #root: string
  readonly #packages = new Map<string, Promise<ThirdPartyPackage>>()

  /** @param root base of the paths in a metafile */
  constructor(root: string) {
    this.#root = root
  }

  /**
   * Returns the packages whose code is in the output of a build, sorted by name.
   *
   * @throws Error if a package declares no license
   */
  async packagesIn(metafile: Metafile): Promise<ThirdPartyPackage[]> {
    const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.keys(inputs).filter((input) => inputs[input]?.bytesInOutput),
    )
    const folders = new Set(inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []))
    return sorted(await Promise.all([...folders].map((folder) => this.#package(folder))))
  }

  /** Returns every package that was read so far, sorted by name. */
  async all(): Promise<ThirdPartyPackage[]> {
    return sorted(await Promise.all(this.#packages.values()))
  }

  /** Returns the packages that were read so far and those of another bill of materials, sorted by name. */
  async allWith(bomFile: string): Promise<BomPackage[]> {
    const { components }: { components: BomComponent[] } = JSON.parse(await readFile(bomFile, 'utf8'))
    const others = components.map(({ name, version, licenses: [{ expression }] }) => ({
      name,
      version,
      license: expression,
    }))
    const all = [...(await this.all()), ...others]
    return sorted([...new Map(all.map((found) => [`${found.name}@${found.version}`, found])).values()])
  }

  #package(folder: string): Promise<ThirdPartyPackage> {
    const found = this.#packages.get(folder) ?? readPackage(join(this.#root, folder))
    this.#packages.set(folder, found)
    return found
  }
}

async function readPackage(folder: string): Promise<ThirdPartyPackage> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: unknown
  }
  if (typeof license !== 'string')
    throw new Error(`${name} ${version} in ${folder} declares no license. Confirm that it may be shipped.`)
  const files = (await readdir(folder)).filter((file) => NOTICE_FILE.test(file)).sort()
  const notices = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return {
    name,
    version,
    license: license.replace(/^\((.*)\)$/, '$1'),
    notices: notices.map((notice) => notice.trim()),
  }
}

function sorted<P extends BomPackage>(packages: P[]): P[] {
  const key = ({ name, version }: P) => `${name}@${version}`
  return packages.sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** The licenses of packages as one text; packages with the same license text share it. */
export function licenseText(packages: readonly ThirdPartyPackage[]): string {
  const byNotice = new Map<string, ThirdPartyPackage[]>()
  for (const found of packages) {
    const notice = found.notices.join('\n\n')
    byNotice.set(notice, [...(byNotice.get(notice) ?? []), found])
  }
  const sections = [...byNotice].map(([notice, same]) => {
    const names = same.map(({ name, version, license }) => `${name} ${version} (${license})`)
    return [...names, '', notice].join('\n').trim()
  })
  return `This bundle contains code of these packages.\n\n${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

/**
 * A software bill of materials: the packages of all bundles.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 */
export function bom(application: { name: string; version: string }, packages: readonly BomPackage[]): object {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', name: application.name, version: application.version } },
    components: packages.map(({ name, version, license }) => {
      const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
      return { type: 'library', 'bom-ref': purl, name, version, purl, licenses: [{ expression: license }] }
    }),
  }
}
