import { PassThrough, Writable } from 'node:stream'
import { WriteStream } from 'node:tty'

/** In order: the text to wait for, and the keys to type then. */
export type Keys = readonly (readonly [seen: string, typed: string])[]

/** Returns the streams of a terminal at which keys are typed. */
export function terminalOf(keys: Keys, print: (chunk: Buffer) => void): { stdin: PassThrough; output: Writable } {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined })
  let screen = ''
  let next = 0
  const output = new Writable({
    write(chunk, _encoding, done) {
      print(chunk)
      screen += chunk
      const [seen, typed] = keys[next] ?? []
      if (seen !== undefined && screen.includes(seen)) {
        next++
        screen = ''
        // After the program has printed its prompt, it starts to listen.
        setImmediate(() => stdin.write(typed))
      }
      done()
    },
  })
  const { getColorDepth } = WriteStream.prototype
  return { stdin, output: Object.assign(output, { isTTY: true, columns: 200, rows: 60, getColorDepth }) }
}
