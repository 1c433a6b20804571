import { readFileSync } from 'node:fs'
import { text as readStream } from 'node:stream/consumers'
import { UsageError } from './receiver.ts'

/**
 * Reads the file that an argument names; `-` is stdin.
 *
 * @throws UsageError
 */
export async function readInput(file: string): Promise<string> {
  if (file === '-') return readStream(process.stdin)
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} cannot be read; is the path right?`, { cause: error })
  }
}
