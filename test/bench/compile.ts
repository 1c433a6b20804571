import { basename, join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'

/** Bundles a program of this folder for a new process, and returns its file. */
export async function compile(program: string, scratch: string, options: BuildOptions = {}): Promise<string> {
  const outfile = join(scratch, `${basename(program, '.ts')}.cjs`)
  await build({
    entryPoints: [join(import.meta.dirname, program)],
    outfile,
    bundle: true,
    logLevel: 'warning',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    format: 'cjs',
    ...options,
  })
  return outfile
}
