import { readFileSync } from 'node:fs'
import { text as readStream } from 'node:stream/consumers'
import { UsageError } from '../../project/usage-error.ts'

/**
 * Reads a file, or stdin for `-`.
 *
 * @throws UsageError
 */
export async function readInput(file: string): Promise<string> {
  if (file === '-') return readStream(process.stdin)
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`Cannot read ${file}. Check the path.`, { cause: error })
  }
}
