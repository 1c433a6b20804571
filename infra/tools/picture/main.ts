import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { helpIfAsked } from '../../project/help.ts'
import { drawPicture } from './draw.ts'
import { type PrintedLine, toTranscript } from './transcript.ts'

const ROOT = join(import.meta.dirname, '../../..')
const COMMAND = 'npx webhooks demo agent'
const PICTURE = join(ROOT, 'docs/images/demo.svg')
/** A test draws the picture again from it. */
const TRANSCRIPT = join(ROOT, 'test/golden/demo-agent.json')

helpIfAsked(`npm run demo:picture: runs "${COMMAND}", and records its terminal as an animated SVG, docs/images/demo.svg.

  --draw            draw the last record again
  --help            print this text`)
const transcript: PrintedLine[] = process.argv.includes('--draw')
  ? JSON.parse(readFileSync(TRANSCRIPT, 'utf8'))
  : await record()
const picture = drawPicture(COMMAND, transcript)
writeFileSync(PICTURE, picture)
console.log(`${PICTURE}: ${Math.round(picture.length / 1_024)} KB`)

/** Runs the command and saves its transcript. */
async function record(): Promise<PrintedLine[]> {
  const args = ['--no-warnings', join(ROOT, 'infra/cli/main.ts'), ...COMMAND.split(' ').slice(2)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const printed: { text: string; afterMs: number }[] = []
  let last = performance.now()
  for await (const text of createInterface({ input: child.stdout })) {
    printed.push({ text, afterMs: performance.now() - last })
    last = performance.now()
    console.log(text)
  }
  const [code] = await ended
  if (code !== 0) throw new Error(`"${COMMAND}" exited with ${code}.`)
  const saved = toTranscript(printed)
  writeFileSync(TRANSCRIPT, `${JSON.stringify(saved, null, 2)}\n`)
  return saved
}
