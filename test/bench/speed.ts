import type { Section } from './measure.ts'
import { asMarkdown } from './table.ts'

/** A budget is judged in the last column: `200 KB: within; 600 KB: over`. */
const judged = /^(.+): (within|over|short)$/

/**
 * The part of `docs/proof.md` that says which targets were held, and shows each row that falls short, as it was measured.
 *
 * @param machine when and on what it was measured
 */
export function speedPart(machine: string, sections: readonly Section[]): string {
  const targets = new Map<string, { title: string; target: string; held: number; missed: number }>()
  const short: Section[] = []
  for (const { title, columns, rows } of sections) {
    const missed = rows.filter((row) => {
      const found = (row.at(-1) ?? '').split('; ').flatMap((one) => {
        const [, target = '', verdict] = judged.exec(one) ?? []
        return verdict === undefined ? [] : [{ target, isHeld: verdict === 'within' }]
      })
      for (const { target, isHeld } of found) {
        const key = `${title} ${target}`
        const one = targets.get(key) ?? { title, target, held: 0, missed: 0 }
        if (isHeld) one.held += 1
        else one.missed += 1
        targets.set(key, one)
      }
      return found.some(({ isHeld }) => !isHeld)
    })
    if (missed.length > 0) short.push({ title: `Short: ${title}`, columns, rows: missed, notes: [] })
  }
  const summary = {
    title: 'Targets',
    columns: ['what was measured', 'target', 'rows that hold it', 'rows that do not'],
    rows: [...targets.values()].map(({ title, target, held, missed }) => [title, target, String(held), String(missed)]),
    notes: [short.length > 0 ? 'Each row that falls short is shown below.' : 'None falls short.'],
  }
  const intro = `Written by \`npm run bench -- --write\`: ${machine}. All figures, and how they were measured: [bench.md](bench.md). A target is judged by the figure as it is, on whatever machine that was.`
  return ['# Speed', intro, asMarkdown(summary), ...short.map((one) => asMarkdown(one).trim())].join('\n\n')
}
