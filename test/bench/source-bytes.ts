import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** How many bytes of a file come from the AWS SDK, and how many from everything else. */
export interface Split {
  sdk: number
  rest: number
}

/** The SDK's own packages, and those that nothing but the SDK brings along. */
const sdkPackages =
  /node_modules\/(@aws-sdk|@smithy|@aws-crypto|@aws\/lambda-invoke-store|bowser|mnemonist|obliterator)\//

/**
 * Splits the bytes of a bundled file by where they come from, as its source map says. What the bundler adds to a file (its
 * helpers, the list of what it exports) goes with most of that file, and in a file that only passes on what others export
 * with most of what those hold.
 */
export function splitOf(file: string): Split {
  const { sdk, rest, glue } = mappedBytes(file)
  const toSdk = sdk + rest > 0 ? sdk > rest : required(file).some((name) => isMostlySdk(name))
  return { sdk: sdk + (toSdk ? glue : 0), rest: rest + (toSdk ? 0 : glue) }
}

/** The files beside it that a file loads, at once or when it needs them. */
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
    let begin = 0
    // A mapping says where its segment begins; where that ends, the next one says.
    const endAt = (end: number) => {
      counted[kind] += Buffer.byteLength(line.slice(begin, end))
      begin = end
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
  // A file that the bundler itself made has no folder.
  return source.includes('/') ? 'rest' : 'glue'
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The numbers of a segment: in base 64, five bits a digit, the lowest first, and the sign in the lowest bit of all. */
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
