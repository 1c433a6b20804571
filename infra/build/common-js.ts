import { type TransformResult, transform } from 'esbuild'

/** Converts the files of all bundles to CommonJS and minifies them. Many bundles contain the same files, each of which is converted once. */
export class CommonJsConverter {
  readonly #converted = new Map<string, Promise<TransformResult>>()

  /** @param needsNames whether the code reads names of functions and classes */
  async convert(text: string, file: string, needsNames: boolean): Promise<{ code: string; map: string }> {
    const key = `${file} ${needsNames} ${text}`
    const found = this.#converted.get(key) ?? toCommonJs(text, file, needsNames)
    this.#converted.set(key, found)
    const { code, map } = await found
    return { code: needsNames ? code : withoutNames(code), map }
  }
}

/** `require` instead of esbuild's own conversion, which copies all exports of the module on each call. */
const DYNAMIC_IMPORTS = /\bimport\("((?:\.\/|node:)[^"]+)"\)/g

function toCommonJs(text: string, file: string, needsNames: boolean) {
  const code = needsNames ? text : text.replace(/\bvar __name=.*?;/, '')
  return transform(code.replaceAll(DYNAMIC_IMPORTS, 'Promise.resolve().then(() => require("$1"))'), {
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    minify: true,
    keepNames: false,
    // Removes unused helpers.
    treeShaking: true,
    // Drops the calls that only set a name.
    ...(needsNames ? {} : { pure: ['__name'] }),
    sourcemap: true,
    sourcefile: file,
    sourcesContent: false,
  })
}

/** Calls inside of an expression cannot be removed, so they need the function. It comes last, to keep the lines of the source map. */
function withoutNames(code: string): string {
  return code.includes('__name(') ? `${code}function __name(value){return value}\n` : code
}
