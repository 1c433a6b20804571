import { run } from './run.ts'

// The reader of a pipe may stop early, as in `| head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  // 141 is what a shell reports for a broken pipe.
  process.exit(process.exitCode || 141)
})
await run(process.argv.slice(2))
