import { helpIfAsked } from '../../infra/project/help.ts'
import { unknownName } from '../../shared/validate.ts'
import { runExample } from './runners/example.ts'
import { EXAMPLES } from './runners/index.ts'

const HELP = `npm run example -- <name>: runs the files of an example against the shipped bundles on this machine, and prints each request,
its response, and what the platforms receive.

Names
${Object.keys(EXAMPLES)
  .map((name) => `  ${name}`)
  .join('\n')}

Options
  --help  print this text

Exit code: 0 it ended as expected, 1 it did not, 2 wrong usage.

Example
  npm run example -- github-gate-k6`

helpIfAsked(HELP)
const name = process.argv.slice(2).join(' ')
const example = Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : undefined
if (example) process.exitCode = (await runExample(example, console.log)) ? 0 : 1
else {
  console.error(name === '' ? HELP : unknownName('example', name, Object.keys(EXAMPLES)))
  process.exitCode = 2
}
