/**
 * Prints a help text and exits if the arguments contain `--help` or `-h`.
 *
 * @param text with the command in its first line: `npm run build: ..`
 */
export function helpIfAsked(text: string): void {
  if (!process.argv.slice(2).some((word) => word === '--help' || word === '-h')) return
  process.stdout.write(`${text}\n`)
  process.exit()
}
