import { Command } from 'commander'

/** `webhooks build`: bundles the functions. */
export function buildCommand(): Command {
  return new Command('build')
    .option('--force', 'build even if no source has changed')
    .addHelpText(
      'after',
      `
Bundles of categories that an application does not change are copied from the package. Others need the package esbuild.

Exit code: 0 built or up to date, 1 the build failed, 2 invalid arguments.

Example:
  $ npx webhooks build --force`,
    )
    .action(async (options: { force?: boolean }) => {
      const { build } = await import('../../build/main.ts')
      await build(options)
    })
}
