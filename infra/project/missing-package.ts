/**
 * Loads a module that needs an optional package.
 *
 * @throws Error with the command that installs the package, if it is missing
 */
export async function needing<T>(name: string, module: Promise<T>): Promise<T> {
  try {
    return await module
  } catch (error) {
    if (!isMissing(error, name)) throw error
    throw new Error(`The package ${name} is missing. Install it: npm install --save-dev ${name}`, { cause: error })
  }
}

function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' && message.startsWith(`Cannot find package '${name}'`)
}
