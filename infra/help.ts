/**
 * Prints what a command does, and ends the process, where its arguments ask for that.
 *
 * @param text whose first line begins with the command: `npm run build: ..`
 */
export function helpIfAsked(text: string): void {
  if (!process.argv.slice(2).some((word) => word === '--help' || word === '-h')) return
  process.stdout.write(`${text}\n`)
  process.exit()
}
