import { PassThrough, Writable } from 'node:stream'
import { WriteStream } from 'node:tty'

/** In order: the text to wait for, and the keys to type then, or a function that gets the screen and returns them. */
export type Keys = readonly (readonly [seen: string, typed: string | ((screen: string) => Promise<string>)])[]

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
        const shown = screen
        screen = ''
        // After the program has printed its prompt, it starts to listen.
        setImmediate(async () => stdin.write(typeof typed === 'function' ? await typed(shown) : typed))
      }
      done()
    },
  })
  const { getColorDepth } = WriteStream.prototype
  return { stdin, output: Object.assign(output, { isTTY: true, columns: 200, rows: 60, getColorDepth }) }
}
