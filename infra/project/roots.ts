import { existsSync } from 'node:fs'
import { extname, join } from 'node:path'

/** The folder of this project: a checkout, or the installed package. */
export const PACKAGE = join(import.meta.dirname, '../..')

/** `.ts` in a checkout. The package contains compiled files: Node.js does not strip types below `node_modules`. */
export const EXTENSION = extname(import.meta.filename)

/**
 * The folder with the categories (`functions/`), their bundles (`dist/`) and `cdk.json`: a checkout, or the application that
 * has installed the package. In any other folder, the package itself.
 */
export const APPLICATION =
  EXTENSION === '.js' && existsSync(join(process.cwd(), 'functions/index.ts')) ? process.cwd() : PACKAGE

/** Whether the bundles are built from sources. Without an application, the bundles in the package run. */
export const HAS_SOURCES = EXTENSION === '.ts' || APPLICATION !== PACKAGE
