import { escapeHtml } from '../../../shared/text/escape-html.ts'
import type { PrintedLine } from './transcript.ts'

const COLUMNS = 68
/** The name of the actor and the space after it. */
const ACTOR_COLUMNS = 9
const FONT_SIZE = 14
/** The widest of the usual monospace fonts. */
const COLUMN_WIDTH = FONT_SIZE * 0.603
const ROW_HEIGHT = 19
const PADDING = 18

/** Seconds. */
const PER_LINE = 0.2
const PER_CHARACTER = 0.011
const PER_PAUSE = 1.1

const STYLE = `
svg { color-scheme: light dark; --text: #24292f; --dim: #59636e; --back: #f6f8fa; --edge: #d1d9e0; --agent: #0550ae; --person: #116329; --runtime: #a40e26; --chat: #6639ba }
@media (prefers-color-scheme: dark) { svg { --text: #e6edf3; --dim: #9198a1; --back: #0d1117; --edge: #3d444d; --agent: #79c0ff; --person: #7ee787; --runtime: #ff7b72; --chat: #d2a8ff } }
rect { fill: var(--back); stroke: var(--edge) }
text { fill: var(--text); font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
.actor { fill: var(--dim); font-weight: bold }
${['agent', 'person', 'runtime', 'chat'].map((actor) => `.actor.${actor} { fill: var(--${actor}) }`).join('\n')}
@media (prefers-reduced-motion: no-preference) { g { animation: appear 1ms both } }
@keyframes appear { from { opacity: 0 } }`

/**
 * Draws a terminal as an animated SVG, which ends with all lines. They appear in their order, with time to read each; a pause of
 * the program takes a moment.
 *
 * @param command shown as typed
 */
export function drawPicture(command: string, transcript: readonly PrintedLine[]): string {
  const groups: string[] = []
  let seconds = 0
  let y = PADDING + FONT_SIZE
  for (const { text, isAfterPause } of [{ text: `$ ${command}`, isAfterPause: false }, ...transcript]) {
    if (text === '') {
      y += ROW_HEIGHT / 2
      continue
    }
    if (isAfterPause) seconds += PER_PAUSE
    const { actor, rows } = layOut(text)
    const column = actor === undefined ? 0 : ACTOR_COLUMNS
    const shown = rows.map((row, index) => drawText(row, column, y + index * ROW_HEIGHT))
    if (actor) shown.unshift(drawText(actor, 0, y, ` class="actor ${actor}"`))
    groups.push(`<g style="animation-delay:${seconds.toFixed(1)}s">${shown.join('\n')}</g>`)
    seconds += PER_LINE + text.length * PER_CHARACTER
    y += rows.length * ROW_HEIGHT
  }
  return frame(command, Math.ceil(y - ROW_HEIGHT + PADDING), groups)
}

function frame(command: string, height: number, groups: readonly string[]): string {
  const width = Math.ceil(2 * PADDING + COLUMNS * COLUMN_WIDTH)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
<title id="title">${escapeHtml(`A terminal that runs ${command}`)}</title>
<style>${STYLE}
</style>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>
${groups.join('\n')}
</svg>
`
}

function drawText(text: string, column: number, y: number, attributes = ''): string {
  return `<text x="${(PADDING + column * COLUMN_WIDTH).toFixed(1)}" y="${y}"${attributes}>${escapeHtml(text)}</text>`
}

/** Splits a line into rows. The actor is undefined in a line of another kind, and empty in a line that continues one. */
function layOut(line: string): { actor?: string; rows: string[] } {
  const [, actor, text = ''] = /^(?=.{8} \S)(\w+|) +(.*)$/.exec(line) ?? []
  if (actor === undefined) return { rows: wrap(line, COLUMNS) }
  return { actor, rows: wrap(text, COLUMNS - ACTOR_COLUMNS) }
}

/** Breaks a text at spaces. Breaks a word only if it is longer than a row. */
function wrap(text: string, columns: number): string[] {
  const rows: string[] = []
  let row = ''
  for (const word of text.split(' ').flatMap((word) => word.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [])) {
    const longer = row === '' ? word : `${row} ${word}`
    if (longer.length <= columns) row = longer
    else {
      rows.push(row)
      row = word
    }
  }
  return [...rows, row]
}
