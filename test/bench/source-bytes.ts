import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The bytes of a file from the AWS SDK and from all other sources. */
export interface Split {
  sdk: number
  rest: number
}

/** Packages of the SDK, and those that only it uses. */
const sdkPackages =
  /node_modules\/(@aws-sdk|@smithy|@aws-crypto|@aws\/lambda-invoke-store|bowser|mnemonist|obliterator)\//

/**
 * Splits the bytes of a bundled file by source, using its source map. Bytes of the bundler itself (helpers, exports) count
 * for the larger part of the file, or of the files that it re-exports.
 */
export function splitOf(file: string): Split {
  const { sdk, rest, glue } = mappedBytes(file)
  const toSdk = sdk + rest > 0 ? sdk > rest : required(file).some((name) => isMostlySdk(name))
  return { sdk: sdk + (toSdk ? glue : 0), rest: rest + (toSdk ? 0 : glue) }
}

/** Returns the files in the same folder that a file can load. */
export function required(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/require\("(\.\/[^"]+\.js)"\)/g)].map(([, name = '']) => join(dirname(file), name))
}

function isMostlySdk(file: string): boolean {
  const { sdk, rest } = mappedBytes(file)
  return sdk > rest
}

function mappedBytes(file: string): Split & { glue: number } {
  const text = readFileSync(file, 'utf8')
  const map = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { sources: string[]; mappings: string }
  const kinds = map.sources.map((source) => kindOf(source))
  const lines = text.split('\n')
  const counted = { sdk: 0, rest: 0, glue: 0 }
  let source = 0
  let kind: keyof typeof counted = 'glue'
  map.mappings.split(';').forEach((mappings, number) => {
    const line = lines[number] ?? ''
    let start = 0
    // A mapping contains the start of its segment; the next one starts at its end.
    const endAt = (end: number) => {
      counted[kind] += Buffer.byteLength(line.slice(start, end))
      start = end
    }
    let column = 0
    for (const segment of mappings.split(',').filter(Boolean)) {
      const [columns = 0, sources] = decode(segment)
      column += columns
      endAt(column)
      if (sources === undefined) kind = 'glue'
      else {
        source += sources
        kind = kinds[source] ?? 'glue'
      }
    }
    endAt(line.length)
    kind = 'glue'
  })
  counted.glue += Buffer.byteLength(text) - counted.sdk - counted.rest - counted.glue
  return counted
}

function kindOf(source: string): 'sdk' | 'rest' | 'glue' {
  if (sdkPackages.test(source)) return 'sdk'
  // Files of the bundler have no folder.
  return source.includes('/') ? 'rest' : 'glue'
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Decodes base64 VLQ. */
function decode(segment: string): number[] {
  const numbers: number[] = []
  let value = 0
  let shift = 0
  for (const character of segment) {
    const digit = digits.indexOf(character)
    value += (digit & 31) << shift
    shift += 5
    if (digit & 32) continue
    numbers.push(value & 1 ? -(value >> 1) : value >> 1)
    value = 0
    shift = 0
  }
  return numbers
}
